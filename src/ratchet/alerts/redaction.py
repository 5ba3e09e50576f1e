"""A recorded message without what tells people, machines and accounts: the same value always gets the same
placeholder, so that structure, links and pairs can still be followed. Pure.

In doubt a word is taken out: one too many costs a fixture little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ratchet.alerts import redaction_words as known

MAX_DEPTH: Final = 40
MAX_STRING: Final = 40_000  # characters
MAX_NAMES: Final = 50_000

_LABEL = r"[\"*_`]{0,3}"
_PEOPLE = "|".join(map(re.escape, sorted(known.PEOPLE_LABELS, key=len, reverse=True)))
_HOSTS = "|".join(map(re.escape, sorted(known.HOST_LABELS, key=len, reverse=True)))
_MAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}")
_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{1,20})://([^\s<>|\"'`)\]}]{1,4000})")
_MENTION = re.compile(r"<([@#!])([^<>|]{0,300})(?:\|([^<>]{0,300}))?>")
_DOMAIN = re.compile(r"(?<![\w.-])(?:[\w](?:[\w-]{0,61}\w)?\.){1,10}([^\W\d_][\w-]{1,30})(?![\w-])")
_PHONE = re.compile(r"(?<![\w.])\+\d(?:[\s().-]{0,2}\d){7,14}(?!\w)")
_UUID = re.compile(r"(?<!\w)[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?!\w)")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_IPV6 = re.compile(r"(?<![\w:])(?=[0-9a-fA-F:]{0,30}::|(?:[0-9a-fA-F]{1,4}:){7})[0-9a-fA-F:]{3,39}(?![\w:])")
_USER_INFO = re.compile(r"(?<=://)[^\s/@<>|]{1,300}@")
_QUERY = re.compile(r"([?&])([\w.-]{1,60})=([^&#]*)")
_SLACK_ID = re.compile(r"(?<![A-Za-z0-9])([UWBCGDTAESF])(?=[A-Z0-9]{0,14}\d)[A-Z0-9]{7,14}(?![A-Za-z0-9])")
_AT_NAME = re.compile(r"(?<![\w<&.])([@#])([^\W\d_][\w.-]{2,60})")
_OPAQUE = re.compile(r"[A-Za-z0-9_+=-]{16,}")
_BY = re.compile(
    rf"(?<![A-Za-z0-9])(?i:{_PEOPLE}){_LABEL}[ \t]{{0,3}}[:=]?[ \t]{{0,3}}{_LABEL}@?"
    r"((?:[^\W\d_a-z][\w'’-]{1,40}\.?[ ]?){1,3}|[a-z]{2,20}\.[a-z]{2,30}(?!\w))"
)
_HOST_IS = re.compile(
    rf"(?<![a-z0-9-])(?:{_HOSTS}){_LABEL}[ \t]?[:=][ \t\"*_`]{{0,5}}([a-z0-9][\w.:-]{{1,200}})",
    re.IGNORECASE,
)
_NAME_PART = re.compile(r"[^\W\d_]+")
_TWICE = re.compile(r"\b(person\d+)(?:[ .]\1\b)+")
_SIMPLE_PIECE = re.compile(r"[A-Za-z]?[a-z]{0,30}|\d{1,9}")
_PLAIN_KEY = re.compile(r"[a-z][a-z_]{0,40}")

Secrets = Callable[[str], str]


def redact(
    payload: Mapping[str, Any], *, names: Iterable[str] = (), secrets: Secrets = str
) -> dict[str, Any]:
    """A copy of Slack's message object. `names` of people are taken out wherever they stand, also in parts.

    `secrets` takes tokens and passwords out of a text; it is asked first.
    """
    redactor = Redactor(secrets)
    redactor.learn(payload, names)
    found = redactor.value(payload)
    return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class Redactor:
    """Learns first which words are names and hosts, since one place calls them so and others do not."""

    secrets: Secrets = str
    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _literal: dict[str, str] = field(default_factory=dict)
    _pattern: re.Pattern[str] | None = None

    def learn(self, payload: Mapping[str, Any], names: Iterable[str] = ()) -> None:
        for _, name in zip(range(MAX_NAMES), names, strict=False):
            self._name(name)
        for kind, value in _named(payload, 0):
            self._name(value) if kind == "person" else self._machine(value)
        words = sorted(self._literal, key=len, reverse=True)
        if words:
            joined = "|".join(map(re.escape, words))
            self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{joined})(?![A-Za-z0-9])", re.IGNORECASE)

    def _name(self, name: str) -> None:
        """Every part of a name stands for the same person."""
        if not name.isascii() and len(name) < 40:
            self._literal.setdefault(name.strip().casefold(), self.stand_in("person", name))
        for part in _NAME_PART.findall(name[:200]):
            plain = part.casefold()
            if len(plain) > 2 and plain not in known.KEPT_WORDS:
                self._names.setdefault(plain, self.stand_in("person", name))

    def _machine(self, value: str) -> None:
        host = re.sub(r":\d{1,5}$", "", value.strip(" .`*_\"'")).casefold()
        if len(host) > 2 and host not in known.KEPT_WORDS and not host.isdigit() and " " not in host:
            self._literal.setdefault(host, self._host(host))

    def stand_in(self, kind: str, value: str) -> str:
        """The placeholder of a value; a placeholder stays what it is."""
        key = (kind, value.casefold().strip())
        if key not in self._given:
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[key] = _FORMS.get(kind, kind + "{}").format(count)
        return self._given[key]

    def value(self, value: Any, key: str = "", depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, Mapping):
            # What a button sends is the app's own; what a field shows is the alert.
            shows = "action_id" not in value
            return {
                self._key(str(name)): self.value(
                    item, str(name) if shows or name != "value" else "block_id", depth + 1
                )
                for name, item in value.items()
                if str(name) not in known.DROPPED_KEYS and not str(name).startswith(known.DROPPED_PREFIXES)
            }
        if isinstance(value, list | tuple):
            return [self.value(item, key, depth + 1) for item in value]
        if isinstance(value, str):
            return self._string(value[:MAX_STRING], key)
        # A number of more digits than a time has is an account, a telephone or a card.
        large = isinstance(value, int | float) and abs(value) >= 1e10
        return 0 if large else value

    def _key(self, name: str) -> str:
        return name if _PLAIN_KEY.fullmatch(name) else self.text(name)

    def _string(self, text: str, key: str) -> str:
        if not text:
            return text
        if key in known.ID_KEYS:
            return self._slack_id(text)
        return self.stand_in("value", text) if key in known.OPAQUE_KEYS else self.text(text)

    def _slack_id(self, text: str) -> str:
        letter = text[0] if "A" <= text[0] <= "Z" else "X"
        count = self.stand_in(f"id {letter}", text).rpartition(" ")[2].removeprefix(letter)
        return f"{letter}{int(count):08d}"

    def text(self, text: str) -> str:
        """What holds others comes first: a link holds a host, a host holds a name."""
        kept = _Kept()
        text = self.secrets(_USER_INFO.sub("", kept.clean(text)))
        for pattern, replace in (
            (_MENTION, self._mention),
            (_URL, self._url),
            (_MAIL, lambda found: self.stand_in("mail", found[0])),
            (_DOMAIN, self._domain),
            (_UUID, lambda found: self.stand_in("uuid", found[0])),
            (_IPV4, lambda found: self.stand_in("address", found[0])),
            (_IPV6, lambda found: self.stand_in("address6", found[0])),
            (_PHONE, lambda found: "+10000000000"),
            (self._pattern, lambda found: self._literal[found[0].casefold()]),
            (_SLACK_ID, lambda found: self._slack_id(found[0])),
            (_AT_NAME, self._handle),
            (_OPAQUE, lambda found: self.stand_in("id", found[0]) if _opaque(found[0]) else found[0]),
            (_NAME_PART, self._person),
        ):
            if pattern is not None:
                text = pattern.sub(kept.instead(replace, whole=pattern in (_MENTION, _URL)), text)
        return _TWICE.sub(r"\1", kept.back(text))

    def _person(self, found: re.Match[str]) -> str:
        word = found[0]
        plain = word.casefold()
        if plain in known.ALSO_WORDS and word.islower():
            return word
        return self._names.get(plain, word)

    def _handle(self, found: re.Match[str]) -> str:
        if found[2] in ("here", "channel", "everyone"):
            return found[0]
        return found[1] + self.stand_in("group" if found[1] == "@" else "channel", found[2])

    def _domain(self, found: re.Match[str]) -> str:
        last = found[1].casefold()
        country = len(last) == 2 and last not in known.NO_COUNTRY
        return self._host(found[0]) if country or last in known.TOP_LEVEL or last == "io" else found[0]

    def _mention(self, found: re.Match[str]) -> str:
        sign, target, label = found[1], found[2], found[3]
        if sign == "!":
            return self._command(target, label)
        shown = f"|{self.stand_in('person' if sign == '@' else 'channel', label)}" if label else ""
        return f"<{sign}{self._slack_id(target) if target else ''}{shown}>"

    def _command(self, target: str, label: str | None) -> str:
        name, _, argument = target.partition("^")
        if name in ("here", "channel", "everyone"):
            return f"<!{name}>"
        if name == "date":
            shown = re.sub(r"[^\w{}^ .,:-]|\^https?.*", "", argument)
            return f"<!date^{shown}|{self.text(label or '')}>"
        group = f"|@{self.stand_in('group', label)}" if label else ""
        return f"<!subteam^{self._slack_id(argument or target or 'S')}{group}>"

    def _url(self, found: re.Match[str]) -> str:
        cut = re.search(r"[/?#]", found[2])
        authority, rest = (found[2][: cut.start()], found[2][cut.start() :]) if cut else (found[2], "")
        host, colon, port = authority.rpartition("@")[2].partition(":")
        shown = f":{port}" if colon and port.isdigit() else ""
        return f"{found[1].lower()}://{self._host(host)}{shown}{self._path(rest)}"

    def _path(self, rest: str) -> str:
        """Words of a path stay; names, ids and hosts do not, nor a query's values, tools' own keys aside."""
        rest = _QUERY.sub(self._query, rest)
        pieces = re.split(r"([/?&=#;,:{}|]+|%[0-9A-Fa-f]{2})", rest)
        return "".join(piece if at % 2 else self._piece(piece) for at, piece in enumerate(pieces))

    def _query(self, found: re.Match[str]) -> str:
        kept = found[2].lower() in known.QUERY_KEYS or found[3].isdigit()
        return (
            f"{found[1]}{found[2]}={found[3] if kept or not found[3] else self.stand_in('value', found[3])}"
        )

    def _piece(self, piece: str) -> str:
        if _opaque(piece, shortest=10):
            return self.stand_in("id", piece)
        if _SIMPLE_PIECE.fullmatch(piece):
            return self._names.get(piece.casefold(), piece)
        return self.text(piece)

    def _host(self, host: str) -> str:
        plain = host.casefold().strip(".")
        if _IPV4.fullmatch(plain):
            return self.stand_in("address", plain)
        if plain in ("localhost", ""):
            return plain
        tool = next((one for one in known.TOOL_DOMAINS if plain == one or plain.endswith(f".{one}")), None)
        if tool is None:
            return self.stand_in("host", plain) + (".example.com" if "." in plain else "")
        return tool if plain == tool else f"{self.stand_in('host', plain.removesuffix(tool))}.{tool}"


class _Kept:
    """Results put aside, so that later patterns do not see them."""

    def __init__(self) -> None:
        self._values: list[str] = []

    @staticmethod
    def clean(text: str) -> str:
        """Without the marks that stand for what is put aside."""
        return re.sub("[\ue000\ue001]", "", text)

    def instead(
        self, replace: Callable[[re.Match[str]], str], *, whole: bool
    ) -> Callable[[re.Match[str]], str]:
        """`whole`: also what stays as it is needs no second look."""

        def put(found: re.Match[str]) -> str:
            value = replace(found)
            if value == found[0] and not whole:
                return value
            self._values.append(value)
            return f"\ue000{len(self._values) - 1}\ue001"

        return put

    def back(self, text: str) -> str:
        for _ in range(4):  # one may hold another
            text = re.sub("\ue000(\\d{1,9})\ue001", lambda found: self._values[int(found[1])], text)
        return text


def _named(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """`(kind, word)` of what the payload itself calls a person or a machine."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        text = value[:MAX_STRING]
        yield from (("person", found[1]) for found in _BY.finditer(text))
        yield from (("host", found[1]) for found in _HOST_IS.finditer(text))
    elif isinstance(value, Mapping):
        yield from _of_field(value)
        for key, item in value.items():
            if key in known.NAME_KEYS and isinstance(item, str):
                yield "person", item
            yield from _named(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item, depth + 1)


def _of_field(field_: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """An attachment's field such as `Host`, `Assigned to`."""
    title, value = field_.get("title"), field_.get("value")
    if not isinstance(title, str) or not isinstance(value, str):
        return
    label = title.strip(" *_:`").casefold()
    if label in known.HOST_LABELS:
        yield from (("host", word) for word in re.split(r"[\s,;]+", value)[:50])
    elif label in known.PEOPLE_LABELS or label.endswith(" by"):
        yield "person", value


def _opaque(text: str, *, shortest: int = 16) -> bool:
    """Whether it looks made by a machine: letters and digits, or cases, change again and again."""
    if len(text) < shortest:
        return False
    bare = re.sub(r"[^A-Za-z0-9]", "", text)
    switches = len(re.findall(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", bare))
    humps = len(re.findall(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[a-z])", bare))
    return switches >= 4 or (switches >= 2 and len(bare) >= 24) or (humps >= 6 and humps * 3 > len(bare) - 4)


_FORMS: Final = {
    "mail": "person{}@example.com",
    "uuid": "00000000-0000-4000-8000-{:012d}",
    "address": "192.0.2.{}",
    "address6": "2001:db8::{}",
    "value": "value{}",
    **{f"id {letter}": "id {}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
}
