"""Secrets told in words: "the password is now …", and random strings in the company of a secret's word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, Span, mark, pattern_rule, replaced
from ratchet.llm.redact_judge import (
    UUID,
    has_digit,
    is_code,
    is_slug,
    is_time_or_number,
    kept,
    looks_random,
    mixed,
    names_a_secret,
)

_SPACE: Final = "[ \t\u00a0\u3000]"
_Q: Final = "[\"'`“”‘’„«»「」*_]"
_TOLD: Final = (
    "(?:password|passwort|passwd|passphrase|passcode|kennwort|pwd|pw|contraseña|senha|mot de passe|пароль)"
)
_BETWEEN: Final = (
    r"(?:is|was|are|to|from|now|still|it'?s|its|be|currently|changed|set|reset|updated|again|just"
    rf"|ist|lautet|jetzt|est|é|es|sera|[=:→–—-]|->|-&gt;|[{MARK}])"
)
_WHOSE: Final = (
    rf"(?:{_SPACE}{{1,4}}(?:for|of|für|to|on|do|de|du|del|para){_SPACE}(?:[\w.-]{{1,30}}{_SPACE}){{0,2}}"
    r"[\w.-]{1,30}(?![\w.-]))"
)
_WHAT: Final = rf"(?P<s>[^\s\"'`“”‘’„«»「」<>|{MARK}]{{4,200}}(?<![.,;:)\]}}]))"
_MAIL: Final = re.compile(r"@[\w-]+(?:\.[\w-]+)+$")
_PATHS: Final = ("/", "~", "@", "#", "$", "-", "<", "(", "&", ":")


def _told(found: re.Match[str]) -> bool:
    """A password as people say it: not a word, not a time, not a path."""
    value, quoted = found["s"], found["open"] != ""
    if _names_something(value):
        return value.isdigit() and quoted and len(value) >= 6
    if is_code(value) and not looks_random(value):
        return False
    digits = has_digit(value)
    if quoted and found["said"]:
        return not is_slug(value) or digits or value.count("-") >= 2
    return mixed(value) and digits and not (is_slug(value) and "-" in value)


def _names_something(value: str) -> bool:
    plain = kept(value) or is_time_or_number(value) or names_a_secret(value)
    return plain or value.startswith(_PATHS) or "](" in value or "://" in value or bool(_MAIL.search(value))


def _numeric(found: re.Match[str]) -> bool:
    return len(set(found["s"])) > 1


def _after_as(found: re.Match[str]) -> bool:
    value = found["s"]
    return (
        not (kept(value) or is_time_or_number(value) or is_code(value)) and mixed(value) and has_digit(value)
    )


_RANDOM: Final = re.compile(r"(?<![\w/.=+:~@-])(?P<s>[A-Za-z0-9][\w./+~-]{14,300}\w={0,2})", re.ASCII)
# The nearest of these words says what a random string is.
_POINTER: Final = (
    r"(?:next|page|continu\w{1,8}|cursor|sync|resume|scroll|block|client|forward|backward|starting)[ _-]?"
    r"(?:page[ _-]?)?tokens?"
    r"|(?:secret|token|credential|key)s?[ _-]?(?:ids?|names?|arn|version|hash|type|digest)(?![a-z])"
    r"|public[ _-]?(?:key|token)"
)
_OF_SECRETS: Final = (
    r"secret|token|passw(?:or)?[dt]|passphrase|credential|creds|bearer|licen[cs]e key|pat\b|pw\b|jwt|apikey"
    r"|(?:api|access|auth|private|signing|encryption|shared|account|service|deploy|admin|integration|routing|write"
    r"|read|ingest|insert|root|unseal|recovery|master|hmac|storage|session|personal|user|app)[ _-]?key"
    r"|\b(?:the|my|your|our|new|old|this|has|with|ci|ssh|his|her|their) key"
)
_OF_OTHERS: Final = (
    r"commit|sha\d*\b|sha-?\d|digest|hash|checksum|image|trace|span|request|uuid|guid|\bid\b|_id\b|revision|\brev\b"
    r"|container|etag|fingerprint|version|build|md5|cursor|page|snapshot|public|cert|layer|\bpod\b|node|branch|tag\b"
    r"|cache|object|partition|primary|idempotency|correlation|message|event|incident|serial|nonce|state|file|path"
    r"|host|url|https?:|index|lookup|accessor|arn|bucket|volume|instance|lease|client[ _]id|req_|account sid"
    r"|key id|service account|namespace|cluster|verifying"
)
_SAYS: Final = re.compile(
    rf"(?P<pointer>(?i:{_POINTER}))|(?P<secret>{mark('aws key')}|(?i:{_OF_SECRETS}))"
    rf"|(?P<other>[{MARK}]|(?i:{_OF_OTHERS}))"
)
_SAYS_AFTER: Final = re.compile(
    r"[\"'`]{0,3},?\s(?:is|are|was|=|as|being)\s(?:the|my|your|our|a|an)?\s?(?:\w{1,20}\s){0,2}"
    r"(?i:token|password|secret|api key|access key|key for|credential)"
)
_NAME_PART: Final = re.compile(r"[a-z]{3,}(?:-[a-z0-9]{2,20}){0,6}\d{0,3}")
_HEX: Final = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_LINK: Final = re.compile(
    r"[\w ]{0,30}[:=→]\s{0,3}[\"'`(*]{0,3}|[\s\"'`(*]{0,4}(?:(?:is|was|now)[\s\"'`*]{1,4}){0,2}"
)
_BLOCK_LINE: Final = re.compile(r"[A-Za-z0-9+/]{48,}={0,2}")  # of a certificate, perhaps
_LINES: Final = 5
_MARKED: Final = re.compile(f"[{MARK}]")
_REACH: Final = 80  # characters between the word and the string


def _random_strings(text: str) -> str:
    char = mark("secret")

    def spans() -> Iterator[Span]:
        for found in _RANDOM.finditer(text):
            value = found["s"]
            if (
                looks_random(value)
                and not (_is_name(value) or kept(value))
                and _in_company(text, found.start(), found.end())
            ):
                yield found.start(), found.end(), char

    return replaced(text, spans())


def _is_name(value: str) -> bool:
    """A path, host or file with something random in it."""
    parts = re.split(r"[/.]", value)
    if len(parts) == 1:
        return UUID.fullmatch(value) is not None
    return not has_digit(value) or any(_NAME_PART.fullmatch(part) for part in parts)


def _in_company(text: str, start: int, end: int) -> bool:
    """Whether the nearest word that says what the string is speaks of a secret."""
    if _SAYS_AFTER.match(text, end, end + _REACH):
        return True
    window = text[max(0, start - _REACH) : start]
    if "\n" in window and _alone(text, window, end):
        return _headed(text[max(0, start - 4 * _REACH) : start], text[start:end])
    window = window.rpartition("\n")[2]
    said = None
    for said in _SAYS.finditer(window):  # noqa: B007  # the last one counts
        pass
    if said is None or said["other"] or said["pointer"]:
        return False
    between = window[said.end() :]
    if _HEX.fullmatch(text, start, end):
        return _LINK.fullmatch(between) is not None
    return len(between) <= 40 and between.count(".") < 2


def _alone(text: str, window: str, end: int) -> bool:
    """Whether it is all there is on its line."""
    line_end = text.find("\n", end, end + _REACH)
    after = text[end : line_end if line_end >= 0 else end + _REACH]
    return not window.rpartition("\n")[2].strip(" `\"'>") and not after.strip(" `\"',.")


def _headed(above: str, value: str) -> bool:
    """Whether the line above speaks of a secret; fences and secrets already taken out do not count."""
    lines = [line for line in above.split("\n")[-_LINES:-1] if _MARKED.sub("", line).strip(" `\t>")]
    if not lines or _BLOCK_LINE.fullmatch(lines[-1].strip()) or "--BEGIN " in lines[-1]:
        return False
    words = [said for line in lines[-2:] for said in _SAYS.finditer(line)]
    hashes = _HEX.fullmatch(value) and any(said["other"] for said in words)
    return not hashes and any(said["secret"] for said in words)


def _telling(word: str, whose: str, between: str) -> Rule:
    return pattern_rule(
        "password",
        "passw pass pw passphrase kennwort contraseña senha пароль",
        rf"(?i)(?<![A-Za-z0-9_.$/-]){word}(?!_?[A-Za-z0-9]){_Q}{{0,2}}{whose}"
        rf"(?P<said>(?:{_SPACE}{{0,4}}{between}(?={_SPACE}|{_Q})){{0,5}}){_SPACE}{{0,4}}(?:[:=]{_SPACE}{{0,4}})?"
        rf"(?P<open>{_Q}{{0,3}})(?<![A-Za-z0-9]){_WHAT}",
        _told,
    )


# "creds: user:SECRET", before the pair is taken for one value.
PAIRS: Final[Sequence[Rule]] = (
    pattern_rule(
        "password",
        "cred login",
        rf"(?i)(?<!\w)(?:creds?|credentials|logins?)(?:{_SPACE}(?:is|are|for{_SPACE}[\w.-]{{1,30}}))?{_SPACE}?[:=]?"
        rf"{_SPACE}{_Q}?[\w.@+-]{{2,64}}{_SPACE}?[:/]{_SPACE}?{_Q}?(?P<s>[^\s\"'`“”<>|/{MARK}]{{6,100}})",
        _after_as,
    ),
)
RULES: Final[Sequence[Rule]] = (
    _telling(f"{_TOLD}s?", "", _BETWEEN),
    _telling(f"{_TOLD}s?", _WHOSE, _BETWEEN),
    _telling("pass", "", "(?:is|was|now|[=:→])"),
    pattern_rule(
        "password",
        "パスワード 密码 密碼 비밀번호",
        rf"(?:パスワード|密码|密碼|비밀번호)(?P<said>は|是|为|：|는|은)?{_SPACE}{{0,2}}(?P<open>[「『\"'`“]?)"
        r"(?P<s>[!-~]{5,100})(?=[」』\"'`”です]|\s|$)",
        _told,
    ),
    pattern_rule(
        "password",
        "credential password login",
        rf"(?i)(?:[/:]|{_SPACE}(?:and|und|with)){_SPACE}?{_Q}?(?P<s>[^\s\"'`“”<>|/{MARK}]{{6,100}}){_Q}?"
        rf"{_SPACE}as{_SPACE}(?:the{_SPACE})?(?:password|credentials|login)",
        _after_as,
    ),
    pattern_rule(
        "pin",
        "pin passcode",
        r"(?<![\w-])(?:(?i:passcode|unlock code)|PIN|[Pp]in(?=[ ]?(?:code|for|is|:)))"
        rf"(?:{_SPACE}(?:[a-z]{{2,12}})){{0,4}}{_SPACE}?[:=]?{_SPACE}{_Q}?(?P<s>\d{{4,8}})(?![\w.:%-])",
        _numeric,
    ),
    pattern_rule(
        "recovery code",
        "recovery backup scratch 2fa mfa",
        r"(?i)(?:recovery|backup|scratch|2fa|mfa) codes?\W{1,3}"
        r"(?P<s>(?:[a-z0-9]{4,6}-[a-z0-9]{4,6}[\s,]{0,3}){1,20}(?<=[a-z0-9]))",
    ),
    Rule(
        (
            "secret",
            "token",
            "passw",
            "passphrase",
            "cred",
            "bearer",
            "key",
            "pat",
            "pw",
            "jwt",
            mark("aws key"),
        ),
        _random_strings,
    ),
)
