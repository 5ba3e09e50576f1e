"""Documents in an answer without a model: the passage that fits, word for word, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ratchet.domain.documents import DocumentHit
from ratchet.handlers.citations import Known, clean, urls
from ratchet.handlers.quotes import passage, plain, words

DOCUMENTS: Final = 2
# Of the words of a question, so many must stand in a page; all of them where it has fewer.
SHARED: Final = 2


def worth_citing(hits: Sequence[DocumentHit], query: str) -> list[DocumentHit]:
    """At most `DOCUMENTS` of the hits, in their order: those that are to the point."""
    wanted = words(query)
    enough = min(SHARED, len(wanted))
    return [hit for hit in hits if enough and len(wanted & words(_text(hit))) >= enough][:DOCUMENTS]


def quoted_page(hit: DocumentHit, query: str) -> str:
    """The passage that fits best as a Markdown quote, with the page that it is from."""
    best = max(hit.passages, key=lambda one: len(words(query) & words(f"{one.heading}\n{one.text}")))
    # No link comes in with a quote: those of a page lead from the page, not from here.
    text = clean(passage(best.text, query, {}), Known(urls=frozenset(urls([best.text]))))
    return f"{text}\n— {named_page(hit, best.heading)}"


def named_page(hit: DocumentHit, heading: str = "") -> str:
    """Title and heading, linked where the page can be opened."""
    title = plain(f"{hit.title} › {heading}" if heading else hit.title)
    return f"[{title}]({hit.url})" if hit.url else f"{title} ({plain(hit.id)})"


def _text(hit: DocumentHit) -> str:
    return "\n".join([hit.title, *(f"{one.heading}\n{one.text}" for one in hit.passages)])
