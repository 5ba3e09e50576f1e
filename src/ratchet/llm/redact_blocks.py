"""Secrets by the place they have in a structure: Kubernetes, name and value apart, XML, SQL, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, Span, mark, pattern_rule, replaced
from ratchet.llm.redact_judge import decoded, is_slug, is_time_or_number, kept, mixed
from ratchet.llm.redact_named import named_secret

_SECRET: Final = mark("secret")
_KIND: Final = re.compile(r"[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?(?![\w.])")
_FIELD: Final = re.compile(
    r"(?P<indent>[ \t>]*)(?P<dash>- )?[\"']?(?P<key>[\w.\-/]+)[\"']?:[ \t]*(?P<value>.*)$"
)
_FLAT: Final = re.compile(r"\"(?:data|stringData)\":\s{0,4}\{(?P<body>[^{}]{0,20000})\}")
_JSON_VALUE: Final = re.compile(r"(:\s{0,4}\")((?:[^\"\\]|\\.){1,8000})(?=\")")
_VALUE: Final = re.compile(r"^([\"']?)(.*?)\1\s*$")


def _kubernetes(text: str) -> str:
    """Every value of a Secret goes, whatever its name."""
    if not _KIND.search(text):
        return text
    text = _FLAT.sub(lambda found: _JSON_VALUE.sub(lambda pair: pair[1] + _instead(pair[2]), found[0]), text)
    documents = re.split(r"(?m)^(---.*\n)", text)
    return "".join(_document(part) if _KIND.search(part) else part for part in documents)


def _instead(value: str) -> str:
    return value if re.fullmatch(f"[{MARK}]*", value) else _SECRET


def _document(text: str) -> str:
    """One YAML document; `data` and `stringData` end where a line is indented no deeper than they are."""
    lines, inside, literal = text.split("\n"), -1, False
    for index, line in enumerate(lines):
        found = _FIELD.match(line)
        depth = len(line) - len(line.lstrip(" \t>"))
        if inside >= 0 and line.strip() and depth <= inside:
            inside, literal = -1, False
        if found and inside < 0:
            if found["key"] in ("data", "stringData") and not found["value"].strip():
                inside, literal = depth, False
        elif inside >= 0 and line.strip():
            lines[index], literal = _line(line, found, literal=literal)
    return "\n".join(lines)


def _line(line: str, found: re.Match[str] | None, *, literal: bool) -> tuple[str, bool]:
    """The line without its value, and whether the next ones continue it."""
    if found and found["value"].strip() in ("|", "|-", ">", ">-", "|+"):
        return line, True
    if found is None or literal:
        stripped = line.lstrip(" \t>")
        return line[: len(line) - len(stripped)] + _instead(stripped), literal
    value = _VALUE.match(found["value"])
    if value is None or not value[2] or found["value"].startswith("{"):
        return line, False
    at = found.start("value")
    return line[:at] + value[1] + _instead(value[2]) + value[1], False


_QUOTED: Final = r"\\{0,3}[\"']?"  # perhaps a quotation mark, perhaps escaped
_GIVES: Final = r"\s{0,2}[:=]\s{0,2}"
_PAIR: Final = re.compile(
    rf"(?i)(?:\"|'|\b)(?:name|key|field|title){_QUOTED}{_GIVES}{_QUOTED}(?P<name>[A-Za-z_][\w.\-/ ]{{1,60}})"
    rf"{_QUOTED},?[\s\\n]{{0,24}}{_QUOTED}value{_QUOTED}{_GIVES}\\{{0,3}}(?P<quote>[\"']?)"
    r"(?P<value>(?(quote)[^\"'\n\\]{3,4000}|[^\s\"'\\,}]{3,4000}))",
    re.ASCII,
)
_TAG: Final = re.compile(
    r"(?i)<(?P<name>[\w.:-]{2,60})(?P<attributes>(?:\s[^<>]{0,200})?)>(?P<value>[^<>\s]{3,4000})</", re.ASCII
)
# The first two of a row of strings.
_TUPLE: Final = re.compile(
    r"(?<![,\"'] )(?<![,\"'])(?P<quote>[\"'])(?P<name>[A-Za-z_][\w.\-]{2,60})(?P=quote), ?"
    r"(?P=quote)(?P<value>[^\"'\n]{3,400})(?P=quote)",
    re.ASCII,
)
_NAMES: Final = re.compile(r"name=[\"']([\w.-]+)", re.ASCII)


def _paired(pattern: re.Pattern[str], *words: str) -> Rule:
    """Name and value that stand apart, `name: DB_PASSWORD` and `value: …`."""

    def spans(text: str) -> Iterator[Span]:
        for found in pattern.finditer(text):
            names = [found["name"], *_NAMES.findall(found.groupdict().get("attributes") or "")]
            marks = [char for name in names if (char := named_secret(name, found["value"]))]
            if marks:
                yield found.start("value"), found.end("value"), marks[0]

    return Rule(words, lambda text: replaced(text, spans(text)))


def _strong(found: re.Match[str]) -> bool:
    secret = found["s"]
    return not (kept(secret) or is_time_or_number(secret) or is_slug(secret)) and mixed(secret)


def _plain(found: re.Match[str]) -> bool:
    return not kept(found["s"])


def _printed(found: re.Match[str]) -> bool:
    line = found.string[max(0, found.start() - 400) : found.start()].rpartition("\n")[2]
    return "secret" in line.lower() and not kept(found["s"])


def _hidden_pair(found: re.Match[str]) -> bool:
    return ":" in decoded(found["s"])


_Q: Final = "[\"'`]"
_WORD: Final = rf"[^\s{MARK}]"
_TEXT: Final = rf"[^\"'`\n{MARK}]{{3,200}}"
KUBERNETES: Final = Rule(("kind: secret", 'kind":"secret', 'kind": "secret', 'kind: "secret'), _kubernetes)
RULES: Final[Sequence[Rule]] = (
    _paired(_PAIR, "value"),
    _paired(_TAG, "</"),
    _paired(_TUPLE, "', '", '", "', "','", '","'),
    pattern_rule(
        "password",
        "identified password",
        r"(?i)(?:\bidentified\s{1,4}(?:with\s{1,4}\S{1,60}\s{1,4})?(?:by|as)|\b(?:encrypted\s{1,4})?password)"
        r"\s{1,4}'(?P<s>[^'\n]{4,200})'",
        _plain,
    ),
    pattern_rule(
        "password",
        "set",
        r"(?i)\bset\s{1,4}password\s{1,4}(?:for\s{1,4}\S{1,80}\s{1,4})?=\s{0,4}(?:password\()?'(?P<s>[^'\n]{3,200})'",
        _plain,
    ),
    pattern_rule(  # .netrc
        "password",
        "machine",
        rf"\bmachine\s{{1,4}}\S{{1,120}}\s{{1,8}}login\s{{1,4}}\S{{1,120}}\s{{1,8}}password\s{{1,4}}(?P<s>{_WORD}{{3,400}})",
        _plain,
    ),
    pattern_rule(  # .pgpass
        "password",
        ":5432: :5433: :6432:",
        rf"(?m)^[\w.*-]{{1,80}}:(?:5432|5433|6432):[\w*-]{{1,63}}:[\w*-]{{1,63}}:(?P<s>{_WORD}{{3,200}})$",
        _plain,
    ),
    pattern_rule(
        "password",
        "auth",
        rf"(?i)\bauth\s{{0,2}}=\s{{0,2}}\(\s{{0,2}}{_Q}[^\"'`\n]{{1,80}}{_Q},\s{{0,4}}{_Q}(?P<s>{_TEXT}){_Q}",
        _plain,
    ),
    pattern_rule(
        "password",
        "securestring",
        rf"(?i)ConvertTo-SecureString\s{{1,4}}(?:-String\s{{1,4}})?{_Q}(?P<s>{_TEXT}){_Q}",
        _plain,
    ),
    pattern_rule(  # Docker's config.json
        "password",
        '"auth"',
        r"\"auth\"\s{0,4}:\s{0,4}\"(?P<s>[A-Za-z0-9+/]{8,400}={0,2})\"",
        _hidden_pair,
    ),
    pattern_rule(  # a setting whose value stands in the next column, alone
        "password",
        "pass secret token masterauth",
        r"(?im)^[ \t>]{0,40}(?:requirepass|masterauth"
        r"|(?:[\w.-]{0,40}?)(?:password|passwd|passphrase|secret|token|secret_id))[ \t]{1,60}"
        rf"(?P<s>[^\s\"'`<>{MARK}]{{6,400}})[ \t]*$",
        _strong,
    ),
    pattern_rule(  # what a command prints that reads a secret
        "secret",
        "base64",
        rf"(?m)\|\s{{0,4}}base64\s{{1,4}}(?:-d|-D|--decode)\b[^\n]{{0,80}}\n(?P<s>{_WORD}{{4,400}})$",
        _printed,
    ),
    pattern_rule("secret", "::add-mask::", rf"::add-mask::(?P<s>{_WORD}{{4,}})", _plain),
    pattern_rule("key", "unseal", r"(?i)unseal key(?: \d{1,2})?:\s{1,4}(?P<s>[A-Za-z0-9+/=]{20,})"),
    pattern_rule(  # Nomad
        "token",
        "secret",
        r"(?i)\bsecret id\s{0,8}[=:]\s{1,4}(?P<s>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    ),
    pattern_rule("token", "kubeadm --token", r"--token[ =](?P<s>[a-z0-9]{6}\.[a-z0-9]{16})(?![a-z0-9])"),
)
