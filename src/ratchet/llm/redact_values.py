"""Values given to names of secrets: `DB_PASSWORD=…`, `"api_key": "…"`, `setPassword("…")`, `?token=…`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, Span, mark, replaced
from ratchet.llm.redact_judge import (
    UUID,
    decoded,
    is_code,
    is_host,
    is_slug,
    is_time_or_number,
    kept,
    looks_random,
    mixed,
    names_a_secret,
    strong,
)
from ratchet.llm.redact_names import NameKind, kind_of

_MARKS: Final = {kind: mark(kind) for kind in ("password", "token", "secret", "key")}
_SPACE: Final = "[ \t\u00a0\u3000]"
# What names of secrets are made of, in lower case. Names in other languages are whole.
_ROOTS: Final = (
    "pass pwd pw secret token key cred auth psk pin jwt community dsn otp sessionid clave".split()
)
_ABROAD: Final[dict[str, NameKind]] = {
    **dict.fromkeys(
        "パスワード 暗証番号 密码 密碼 口令 비밀번호 암호 пароль contraseña senha hasło lösenord wachtwoord kennwort parola heslo".split(),
        "password",
    ),
    "mot de passe": "password",
    **dict.fromkeys("トークン 令牌 토큰 токен 密钥 密鑰 シークレット".split(), "token"),
}
_REST: Final = re.compile(
    rf"(?P<rest>[\w.-]{{0,40}}+(?: \d{{1,2}}(?=:))?)(?P<close>[\\\"'`*_~\])}}]{{0,6}}+){_SPACE}{{0,40}}+"
    rf"(?P<op>=>|:{{1,3}}=|\?=|==?|:{_SPACE}{{0,2}}[&A-Za-z][\w\[\].&|]{{0,30}}{_SPACE}=(?= ?[\"'])|[:：|,(]|-(?:>|&gt;)|→|➜)"
    rf"(?P<gap>[*_]{{0,2}}{_SPACE}{{0,20}}+(?:\n{_SPACE}{{0,20}}+)?)",
    re.ASCII,
)
_BEFORE: Final = re.compile(r"(?:[A-Za-z][\w.-]{0,30} ){0,2}[\w.$-]{0,40}$", re.ASCII)
_OPEN: Final = re.compile(
    r"(?:\[\]byte\(|base64:|FlyV1 |Bearer |[bfru]{1,2}(?=[\"']))?(?P<quote>\\{1,3}[\"']|[*_]{0,2}[\"'`“‘«「『„])?"
)
_CLOSES: Final = {"“": "”", "‘": "’", "«": "»", "「": "」", "『": "』", "„": "“"}
_LONGEST: Final = 4_000
_BARE: Final = re.compile(rf"[^\s\"'`<>”“」』（）、。{MARK}]{{1,300}}+")
_MORE: Final = re.compile(rf"[^\s\"'`<>{MARK}]*+")
_NEXT: Final = re.compile(r"[&;,](?:amp;)?(?=[ A-Za-z_][\w .\[\]-]{0,40}[=:])|[;,]+$|(?:&amp;|&)+$|\\{1,3}[nr](?=[\w.-]{1,40}[=:]|\\|$)")
_IN_URL: Final = re.compile(r"[&#|]")
_ARN: Final = re.compile(r"(?:arn:[\w:/*-]*|!)$", re.ASCII)  # or a list of ciphers: `!PSK:!RC4`
_GROUPS: Final = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}(?![\w-])")  # a Google app password
_SECOND: Final = re.compile(r"[\"'] ?,\s*[\"'][\w.-]*$", re.ASCII)  # not the first of a row of strings
_ENDS: Final = re.compile(rf"{_SPACE}*(?:#.*|//.*|,|;|\\)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Given:
    """A value and how it was given to a name."""

    kind: NameKind
    name: str  # its last word
    value: str
    quoted: bool
    assigned: bool  # by `=` or its like, rather than `:`
    alone: bool  # the name begins the line, the value ends it
    spaced: bool  # `name = value`


@dataclass(frozen=True, slots=True)
class _Name:
    """A name found in a text, and what follows it up to the value."""

    text: str
    start: int
    root: str
    found: re.Match[str]
    before: str

    @property
    def op(self) -> str:
        return self.found["op"]

    def kind(self) -> NameKind | None:
        if self.root in _ABROAD:
            return _ABROAD[self.root]
        end = self.start + len(self.root)
        return kind_of(self.before + self.text[self.start : end] + self.found["rest"])

    def lead(self, length: int) -> str:
        return self.text[max(0, self.start - length) : self.start]


def _assignments(text: str) -> str:
    def spans() -> Iterator[Span]:
        done = 0
        for start, root in _roots(text):
            if start >= done and (found := _REST.match(text, start + len(root))):
                before = _BEFORE.search(text, max(0, start - 60), start)
                name = _Name(text, start, root, found, before[0] if before else "")
                if span := _secret(name):
                    done = span[1]
                    yield span

    return replaced(text, spans())


def _roots(text: str) -> list[tuple[int, str]]:
    """Every place where the name of a secret may be, in order."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter whose lower case is two
        lowered = "".join(char.lower() if char.isascii() else char for char in text)
    places = []
    for root in (*_ROOTS, *_ABROAD):
        at = lowered.find(root)
        while at >= 0:
            places.append((at, root))
            at = lowered.find(root, at + len(root))
    return sorted(places)


def _secret(name: _Name) -> Span | None:
    text, found = name.text, name.found
    kind = name.kind()
    if kind is None or _ARN.search(text, max(0, name.start - 120), name.start):
        return None
    opened = _OPEN.match(text, found.end())
    quote = opened["quote"] if opened else None
    start = opened.end() if opened else found.end()
    end = _closing(text, start, quote) if quote else -1
    quoted = end >= 0
    name_starts = name.start - len(name.before)
    if not quoted:
        asked = text[max(0, name_starts - 1) : name_starts] in ("?", "&", "#")
        end = _bare_end(text, start, in_url=asked and name.op == "=")
    if end <= start or not _fits(name, kind, quoted=quoted):
        return None
    line = text.rfind("\n", 0, name.start) + 1
    given = Given(
        kind=kind,
        name=name.root,
        value=text[start:end],
        quoted=quoted,
        assigned=name.op.endswith(("=", ">", "→", "➜", "(", ",")),
        alone=not re.search(r"[A-Za-z0-9]", text[line:name_starts]) and _ENDS.match(text, end) is not None,
        spaced=bool(found["gap"]) or name.op != "=",
    )
    if "\n" in found["gap"] and not (looks_random(given.value) or (quoted and mixed(given.value))):
        return None
    return (start, end, _MARKS[kind]) if is_secret(given) else None


def _fits(name: _Name, kind: NameKind, *, quoted: bool) -> bool:
    """Whether this sign gives a value to this name: `,` and `(` only between quotation marks, `|` in a table."""
    op, found = name.op, name.found
    if op == ",":
        first = not _SECOND.search(name.lead(80))
        return quoted and first and found["close"][-1:] in ("'", '"') and "\n" not in found["gap"]
    if op == "(":
        return quoted and not found["close"] and not name.text[found.start("op") - 1].isspace()
    return op != "|" or kind == "password"


def _closing(text: str, start: int, quote: str) -> int:
    """Where the quoted value ends, -1 when the mark is not closed on this line."""
    mark_ = quote.lstrip("*_")
    close = _CLOSES.get(mark_, mark_)
    line = text.find("\n", start, start + _LONGEST)
    limit = line if line >= 0 else start + _LONGEST
    end = text.find(close, start, limit)
    while end > 0 and len(close) == 1 and text[end - 1] == "\\" and close in "\"'":
        end = text.find(close, end + 1, limit)
    return end


def _bare_end(text: str, start: int, *, in_url: bool) -> int:
    if groups := _GROUPS.match(text, start):
        return groups.end()
    found = _BARE.match(text, start)
    if found is None:
        return start
    value = found[0]
    cut = (_IN_URL if in_url else _NEXT).search(value)
    if cut:
        return start + cut.start()
    if len(value) == 300:  # all of it goes, however long
        more = _MORE.match(text, found.end())
        return more.end() if more else found.end()
    return start + len(_without_tail(value))


def _without_tail(value: str) -> str:
    """Without the sentence's full stop and brackets that were opened before the value."""
    while value and (
        value[-1] in ".,;:" or (value[-1] in ")]}" and not any(char in value for char in "([{"))
    ):
        value = value[:-1]
    return value


def is_secret(given: Given) -> bool:
    value = given.value
    if len(value) < 3 or kept(value) or (not given.quoted and value[0] in "{[(<&@|-"):
        return False
    if is_host(value):
        return False
    expression = not given.quoted and is_code(value) and not any(char.isdigit() for char in value)
    if UUID.fullmatch(value) or (looks_random(value, letters=16) and not expression):
        return True
    if names_a_secret(value) or value.startswith(("/", "./", "~/", "http")):
        return False
    return _is_password(given) if given.kind == "password" else _is_key(given)


def _is_password(given: Given) -> bool:
    value = given.value
    if given.name == "pin":
        return value.isdigit() and len(value) >= 4
    if not given.quoted and is_code(value) and not (given.assigned and not given.spaced and "." not in value):
        return False
    if value.isdigit():
        return len(value) >= 4 and (given.assigned or given.quoted or given.alone or len(value) >= 6)
    if is_time_or_number(value):
        return False
    if mixed(value):
        return len(value) >= 4 and (given.assigned or given.quoted or not is_slug(value) or given.alone)
    # Words only: where a program reads it, or alone on a line.
    if _GROUPS.fullmatch(value):
        return True
    if " " in value:
        return given.quoted and given.assigned and not given.spaced
    return len(value) >= 5 and (given.quoted or given.alone or (given.assigned and not given.spaced))


def _is_key(given: Given) -> bool:
    value = given.value
    if " " in value or is_time_or_number(value) or (not given.quoted and is_code(value)):
        return False
    if ":" in decoded(value):
        return True
    if value.isdigit():
        return False
    return len(value) >= 8 and strong(value) and not is_slug(value)


RULES: Final[Sequence[Rule]] = (Rule((*_ROOTS, *_ABROAD), _assignments),)


def named_secret(name: str, value: str) -> str | None:
    """The mark for a value that stands under this name in a structure, None when it is no secret."""
    kind = kind_of(name)
    if kind is None or "\n" in value:
        return None
    given = Given(kind, "", value, quoted=True, assigned=True, alone=True, spaced=False)
    return _MARKS[kind] if is_secret(given) else None
