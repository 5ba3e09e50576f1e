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
    has_digit,
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
_IN_ENGLISH: Final = "pass pwd pw secret token key cred auth psk pin jwt community dsn otp sessionid clave"
_PASSWORDS: Final = """
    パスワード 暗証番号 密码 密碼 口令 비밀번호 암호 пароль contraseña
    senha hasło lösenord wachtwoord kennwort parola heslo
"""
_TOKENS: Final = "トークン 令牌 토큰 токен 密钥 密鑰 シークレット"
_ROOTS: Final = _IN_ENGLISH.split()
_ABROAD: Final[dict[str, NameKind]] = {
    **dict.fromkeys([*_PASSWORDS.split(), "mot de passe"], "password"),
    **dict.fromkeys(_TOKENS.split(), "token"),
}
# What gives the value: a sign, or a type and `=`.
_SIGN: Final = (
    rf"=>|:{{1,3}}=|\?=|==?|:{_SPACE}{{0,2}}[&A-Za-z][\w\[\].&|]{{0,30}}{_SPACE}=(?= ?[\"'])"
    r"|[:：|,(]|-(?:>|&gt;)|→|➜"
)
_REST: Final = re.compile(
    rf"(?P<rest>[\w.-]{{0,40}}+(?: \d{{1,2}}(?=:))?)(?P<close>[\\\"'`*_~\])}}]{{0,6}}+){_SPACE}{{0,40}}+"
    rf"(?P<op>{_SIGN})(?P<gap>[*_]{{0,2}}{_SPACE}{{0,20}}+(?:\n{_SPACE}{{0,20}}+)?)",
    re.ASCII,
)
_BEFORE: Final = re.compile(r"(?:[A-Za-z][\w.-]{0,30} ){0,2}[\w.$-]{0,40}$", re.ASCII)
_OPEN: Final = re.compile(
    r"(?:\[\]byte\(|base64:|FlyV1 |Bearer |[bfru]{1,2}(?=[\"']))?"
    r"(?P<quote>\\{1,3}[\"']|[*_]{0,2}[\"'`“‘«「『„])?"
)
_CLOSES: Final = {"“": "”", "‘": "’", "«": "»", "「": "」", "『": "』", "„": "“"}
_LONGEST: Final = 4_000
_JUDGED: Final = 120  # characters of a value without quotation marks that are looked at
_BARE: Final = re.compile(rf"[^\s\"'`<>”“」』（）、。{MARK}]{{1,{_JUDGED}}}+")
_MORE: Final = re.compile(rf"[^\s\"'`<>{MARK}]*+")
# Where the next name begins: `a=1&b=2`, `a=1;b=2`, `a=1\\nb=2`.
_NEXT: Final = re.compile(
    r"[&;,](?:amp;)?(?=[ A-Za-z_][\w .\[\]-]{0,40}[=:])|[;,]+$|(?:&amp;|&)+$"
    r"|\\{1,3}[nr](?=[\w.-]{1,40}[=:]|\\|$)"
)
_IN_URL: Final = re.compile(r"[&#|]")
_ARN: Final = re.compile(r"(?:arn:[\w:/*-]*|!)$", re.ASCII)  # or a list of ciphers: `!PSK:!RC4`
_GROUPS: Final = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}(?![\w-])")  # a Google app password
_NESTED: Final = re.compile(r"([A-Za-z_]\w{2,40})=", re.ASCII)
_SECOND: Final = re.compile(r"[\"'] ?,\s*[\"'][\w.-]*$", re.ASCII)  # not the first of a row of strings
_BEGINS: Final = re.compile(r"(?:^|\n)[^A-Za-z0-9\n]{0,79}$")
_ENDS: Final = re.compile(rf"{_SPACE}{{0,20}}(?:(?:#|//).{{0,200}}|,|;|\\)?$", re.MULTILINE)


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

    @property
    def begins(self) -> int:
        return self.start - len(self.before)

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
    kind = name.kind()
    if kind is None or _ARN.search(name.text, max(0, name.start - 120), name.start):
        return None
    start, end, quoted = _value(name)
    if end <= start or not _fits(name, kind, quoted=quoted):
        return None
    given = _given(name, kind, (start, end), quoted=quoted)
    over_the_line = "\n" in name.found["gap"]
    if over_the_line and not (looks_random(given.value) or (quoted and mixed(given.value))):
        return None
    if not is_secret(given):
        return None
    if not quoted and end - start == _JUDGED and (more := _MORE.match(name.text, end)):
        end = more.end()  # all of it goes, however long
    return start, end, _MARKS[kind]


def _value(name: _Name) -> tuple[int, int, bool]:
    """Where the value begins and ends, and whether it is quoted."""
    text, at = name.text, name.found.end()
    opened = _OPEN.match(text, at)
    start = opened.end() if opened else at
    if opened and opened["quote"] and (end := _closing(text, start, opened["quote"])) >= 0:
        return start, end, True
    asked = text[max(0, name.begins - 1) : name.begins] in ("?", "&", "#")
    return start, _bare_end(text, start, in_url=asked and name.op == "="), False


def _given(name: _Name, kind: NameKind, span: tuple[int, int], *, quoted: bool) -> Given:
    text, (start, end) = name.text, span
    begins = _BEGINS.search(text, max(0, name.begins - 80), name.begins) is not None
    return Given(
        kind=kind,
        name=name.root,
        value=text[start:end],
        quoted=quoted,
        assigned=name.op.endswith(("=", ">", "→", "➜", "(", ",")),
        alone=begins and _ENDS.match(text, end) is not None,
        spaced=bool(name.found["gap"]) or name.op != "=",
    )


def _fits(name: _Name, kind: NameKind, *, quoted: bool) -> bool:
    """Whether this sign gives values to such names: `,` and `(` if quoted, `|` in a table."""
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
    return start + (_JUDGED if len(value) == _JUDGED else len(_without_tail(value)))


def _without_tail(value: str) -> str:
    """Without the sentence's full stop and brackets that were opened before the value."""
    while value and (
        value[-1] in ".,;:" or (value[-1] in ")]}" and not any(char in value for char in "([{"))
    ):
        value = value[:-1]
    return value


def is_secret(given: Given) -> bool:
    value = given.value
    if len(value) < 3 or kept(value) or is_host(value) or (not given.quoted and value[0] in "{[(<&@|-"):
        return False
    nested = _NESTED.match(value)
    if nested and not given.quoted and kind_of(nested[1]):
        return False  # `PASS -> DB_PASS=…`
    expression = not given.quoted and is_code(value) and not has_digit(value)
    if UUID.fullmatch(value) or (looks_random(value, letters=16) and not expression):
        return True
    if names_a_secret(value) or value.startswith(("/", "./", "~/", "http")):
        return False
    return _is_password(given) if given.kind == "password" else _is_key(given)


def _is_password(given: Given) -> bool:
    value = given.value
    if given.name == "pin":
        return value.isdigit() and len(value) >= 4
    tight = given.assigned and not given.spaced
    if not given.quoted and is_code(value) and not (tight and "." not in value):
        return False
    if value.isdigit():
        return len(value) >= (4 if given.assigned or given.quoted or given.alone else 6)
    if is_time_or_number(value):
        return False
    if mixed(value):
        return len(value) >= 4 and (given.assigned or given.quoted or given.alone or not is_slug(value))
    return _are_words(given, tight=tight)


def _are_words(given: Given, *, tight: bool) -> bool:
    """Words are a password where a program reads them, or alone on a line."""
    if " " in given.value:
        return _GROUPS.fullmatch(given.value) is not None or (given.quoted and tight)
    return len(given.value) >= 5 and (given.quoted or given.alone or tight)


def _is_key(given: Given) -> bool:
    value = given.value
    if " " in value or is_time_or_number(value) or (not given.quoted and is_code(value)):
        return False
    return ":" in decoded(value) or (len(value) >= 8 and strong(value) and not is_slug(value))


RULES: Final[Sequence[Rule]] = (Rule((*_ROOTS, *_ABROAD), _assignments),)


def named_secret(name: str, value: str) -> str | None:
    """The mark for a value that stands under this name in a structure, None when it is no secret."""
    kind = kind_of(name)
    if kind is None or "\n" in value:
        return None
    given = Given(kind, "", value, quoted=True, assigned=True, alone=True, spaced=False)
    return _MARKS[kind] if is_secret(given) else None
