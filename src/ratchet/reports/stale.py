"""Pages that people contradict: words and marks near a link to one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ratchet.domain.gaps import Compared, HelpThread, Page, ThreadMessage
from ratchet.reports.help import addresses

Kind = Literal["wrong", "missing", "marked", "contradicted"]

WARNING: Final = frozenset({"warning", "heavy_exclamation_mark", "exclamation", "x", "no_entry"})
_PAGE: Final = r"(?:docs?|documentation|page|pages|wiki|guide|readme|runbook|how-?to)\b"
_WRONG: Final = (
    r"(?:wrong|out ?dated|out of date|stale|obsolete|incorrect|misleading|lies|"
    r"still (?:says?|has|lists?|shows?)|"
    r"(?:not|no longer|isn['’]?t) (?:\w+ ){0,2}(?:true|right|correct|valid|up to date|current|works?))"
)
WRONG: Final = re.compile(
    rf"\b{_PAGE}[^.!?\n]{{0,60}}\b{_WRONG}|\b{_WRONG}[^.!?\n]{{0,60}}\b{_PAGE}", re.IGNORECASE
)
MISSING: Final = re.compile(
    rf"\b(?:can|could|should|would be (?:nice|good) if|please)\b[^.!?\n]{{0,40}}\b{_PAGE}[^.!?\n]{{0,30}}"
    r"\b(?:say|mention|include|have|cover|explain)s?\b"
    rf"|\b(?:add|put|go|goes|belongs?|missing|misses|lacks?)\b[^.!?\n]{{0,40}}\b{_PAGE}"
    rf"|\b{_PAGE}[^.!?\n]{{0,40}}\b(?:is missing|misses|lacks?|does ?n[o'’]t (?:say|mention))\b",
    re.IGNORECASE,
)
# Who looks after the page says that it is done.
DONE: Final = re.compile(
    r"^\W{0,4}(?:done|added|fixed|updated|merged|it['’]?s in|is in|corrected|(?:i )?(?:have |['’]ve )?"
    r"(?:added|updated|fixed|changed) (?:it|the|that))\b",
    re.IGNORECASE,
)
MAX_QUOTE: Final = 160


@dataclass(frozen=True, slots=True)
class StaleHint:
    """A page, and a message that speaks against it. `thread_ts`: of the message's thread."""

    kind: Kind
    page: Page
    message: ThreadMessage
    thread_ts: str
    quote: str


def stale_hints(threads: Sequence[HelpThread], compared: Compared) -> list[StaleHint]:
    """What speaks against pages, the newest first; nothing that was put right in the same thread."""
    found = [hint for thread in threads for hint in _in_thread(thread, compared)]
    return sorted(found, key=lambda hint: (hint.message.ts, hint.page.id), reverse=True)


def _in_thread(thread: HelpThread, compared: Compared) -> Iterator[StaleHint]:
    page: Page | None = None
    said = (thread.root, *thread.replies)
    for place, message in enumerate(said):
        linked = next((compared.linked[a] for a in addresses(message.text) if a in compared.linked), None)
        page = linked or page
        kind = _against(message, linked=linked is not None)
        if page is not None and kind is not None and not _put_right(said[place + 1 :]):
            yield StaleHint(kind, page, message, thread.root.ts, _quote(message.text))


def _against(message: ThreadMessage, *, linked: bool) -> Kind | None:
    text = message.text[:4_000]
    if WRONG.search(text):
        return "wrong"
    if MISSING.search(text):
        return "missing"
    marked = any(name.split("::", 1)[0] in WARNING and users for name, users in message.reactions.items())
    return "marked" if linked and marked else None


def _put_right(later: Sequence[ThreadMessage]) -> bool:
    return any(DONE.search(message.text) for message in later)


def _quote(text: str) -> str:
    """The sentence that speaks against it."""
    words = " ".join(text.split())
    found = WRONG.search(words) or MISSING.search(words)
    start = words.rfind(". ", 0, found.start()) + 2 if found and ". " in words[: found.start()] else 0
    return words[start : start + MAX_QUOTE]
