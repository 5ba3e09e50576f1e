"""Takes obvious secrets out of text before it reaches a model.

Fails closed: text that cannot be checked raises `RedactionFailed` and so does not leave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ratchet.domain.errors import Refused

Redactor = Callable[[str], str]

MAX_CHARS: Final = 2_000_000


class RedactionFailed(Refused):
    """The text could not be checked for secrets, so it was not used."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` finds a secret; `replacement` may keep its surroundings by group."""

    name: str
    pattern: re.Pattern[str]
    replacement: str


def _rule(name: str, pattern: str, keep: str = "") -> Rule:
    return Rule(name, re.compile(pattern), f"{keep}[redacted: {name}]")


# Every pattern has bounded or disjoint repeats, so that time grows with the text and no faster.
RULES: Final[Sequence[Rule]] = (
    _rule(
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    _rule("slack token", r"\bx(?:ox[a-z](?:\.xox[a-z])?|app)-[A-Za-z0-9-]{8,}"),
    _rule("slack webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+"),
    _rule("aws key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    _rule(
        "aws secret",
        r"(?i)(aws_?(?:secret|session)[a-z_]{0,20}[\"']?\s{0,4}[=:]\s{0,4}[\"']?)[A-Za-z0-9/+=]{20,}",
        r"\1",
    ),
    _rule("github token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    _rule("gitlab token", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    _rule("google key", r"\bAIza[A-Za-z0-9_-]{35}"),
    _rule("api key", r"\b(?:sk|rk|pk)[-_](?:[a-z]{2,12}[-_]){0,3}[A-Za-z0-9_-]{20,}"),
    _rule("jwt", r"\beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{4,8000}\.[A-Za-z0-9_-]*"),
    _rule(
        "password in url", r"(\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,200}:)[^\s/@]{1,200}(?=@)", r"\1"
    ),
    _rule(
        "bearer token",
        r"(?i)(\b(?:bearer|basic)\s{1,4})(?=[^\s\"',]{0,200}[0-9=])[A-Za-z0-9._~+/-]{12,}=*",
        r"\1",
    ),
    _rule(
        "password",
        r"(?i)(\b[a-z0-9_]{0,30}(?:password|passwd|pwd|secret|api[_-]?key|(?:access|auth|secret)[_-]?(?:token|key))"
        r"[\"']?\s{0,4}[=:]\s{0,4}[\"']?)(?!\[redacted)(?=[^\s\"',]{0,100}[0-9!$%^&*#])[^\s\"',]{6,}",
        r"\1",
    ),
)


def redact(text: str, rules: Sequence[Rule] = RULES) -> str:
    """The text with each secret replaced by `[redacted: kind]`. Raises `RedactionFailed`."""
    if not isinstance(text, str):
        raise RedactionFailed(f"Only text can be checked for secrets, not {type(text).__name__}.")
    if len(text) > MAX_CHARS:
        raise RedactionFailed(f"A text of {len(text)} characters is too long to be checked for secrets.")
    for rule in rules:
        text = rule.pattern.sub(rule.replacement, text)
    return text


def redact_values(value: Any, redactor: Redactor) -> Any:
    """The same JSON value with every string redacted, the keys of objects included."""
    if isinstance(value, str):
        return redactor(value)
    if isinstance(value, dict):
        return {redactor(str(key)): redact_values(item, redactor) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_values(item, redactor) for item in value]
    return value
