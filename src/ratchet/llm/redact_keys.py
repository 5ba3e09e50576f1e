"""Private keys: PEM in all its spellings, PuTTY, JWK, base64 of a PEM."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, Span, mark, pattern_rule, replaced

_KEY: Final = mark("private key")
_LONGEST: Final = 20_000  # characters between the two marks
_EDGE: Final = re.compile(
    r"-{4,5} ?(?P<edge>BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:\\{1,4}[nr]|\\u000a)*"
)
# What may stand between the lines of a key: white space, escaped newlines, quotation marks, `>` of a quote.
_GAP: Final = r"(?:\s|\\{1,4}[nrt]|\\{0,3}[\"']|[>|+,](?=\s|\\|$)|&gt;|\\u000a){1,40}+"
_LINE: Final = (
    rf"(?:[A-Za-z0-9+/=]{{24,}}+(?![A-Za-z0-9_-])|[{MARK}]"
    r"|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): [^\n\\]{1,100}+)"
)
_LAST: Final = r"=?[A-Za-z0-9+/]{1,76}+={0,2}(?=\s*$|\s*\n|[\"'\\`])"
_BODY: Final = re.compile(rf"(?:{_GAP}{_LINE})*+(?:{_GAP}{_LAST})?", re.MULTILINE)
# The same from the end of a text whose beginning is lost, read backwards.
_BACK: Final = re.compile(
    r"(?:(?:\s|[nrt]\\{1,4}|[\"']|>){0,40}+[A-Za-z0-9+/=]{1,76}+(?=\s|[nr]\\|[\"'>]|$))?"
    r"(?:(?:\s|[nrt]\\{1,4}|[\"'>]){1,40}+[A-Za-z0-9+/=]{40,}+(?![A-Za-z0-9_.-]))*+"
)


def _private_keys(text: str) -> str:
    edges = [(found.start(), found.end(), found["edge"] == "BEGIN") for found in _EDGE.finditer(text)]

    def spans() -> Iterator[Span]:
        done = 0
        for index, (start, end, begins) in enumerate(edges):
            if start < done:
                continue
            if begins:
                span = _from(text, start, end, edges[index + 1] if index + 1 < len(edges) else None)
            else:
                span = _back_to(text, done, start), end
            if span[1] - span[0] > end - start:  # the bare words are no key
                done = span[1]
                yield *span, _KEY

    return replaced(text, spans())


def _from(text: str, start: int, end: int, following: tuple[int, int, bool] | None) -> tuple[int, int]:
    """From the first mark to the last, or, where that is missing, as long as it looks like a key."""
    if following is not None and not following[2] and following[0] - end < _LONGEST:
        between = text[end : following[0]]
        if re.search(r"[A-Za-z0-9+/=]{24}", between) or len(between.split()) <= 2:
            return start, following[1]
    body = _BODY.match(text, end)
    return start, body.end() if body else end


def _back_to(text: str, floor: int, end: int) -> int:
    """Where the key that ends here began, not before `floor`."""
    window = text[max(floor, end - _LONGEST) : end][::-1]
    found = _BACK.match(window)
    return end - len(found[0].rstrip()) if found and len(found[0]) > 40 else end


def _hides_a_key(found: re.Match[str]) -> bool:
    return "PRIVATE KEY" in base64.b64decode(found[0][:64] + "==").decode("latin-1")


_JWK_PART: Final = r"\\{0,3}\"(?:d|p|q|dp|dq|qi|k)\\{0,3}\"\s{0,4}:\s{0,4}\\{0,3}\"(?P<s>[\w-]{16,})"
RULES: Final[Sequence[Rule]] = (
    Rule(("private key",), _private_keys),
    pattern_rule(
        "private key",
        "private-lines:",
        r"Private-Lines: ?\d{1,3}\s{1,4}(?P<s>[A-Za-z0-9+/=]{16,}(?:\s{1,4}[A-Za-z0-9+/=]{16,})*)",
    ),
    pattern_rule("private key", "kty", _JWK_PART),
    pattern_rule("private key", "ls0tls1crudjti", r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}={0,2}", _hides_a_key),
    # The binary head of an OpenSSH key.
    pattern_rule(
        "private key",
        "b3blbnnzac1rzxktdje",
        r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]{20,}(?:\s{1,4}[A-Za-z0-9+/=]{40,})*",
    ),
)
