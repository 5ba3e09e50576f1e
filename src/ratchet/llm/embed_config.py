"""Which embedding endpoint to use, and what its model wants to be given. Cheap to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from ratchet.llm.prices import Price


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """An embedding model at an OpenAI-compatible server; `url` with its `/v1` where it has one.

    Times in seconds, of one request: of a batch in the background, and of a question that somebody waits for.
    """

    url: str
    model: str
    api_key: SecretStr | None = None
    price: Price | None = None
    timeout_s: float = 60.0
    query_timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Wants:
    """What stands before a question and before a text; how many characters the model reads, about."""

    query: str = ""
    document: str = ""
    chars: int = 8_000


_SEARCHING: Final = "Represent this sentence for searching relevant passages: "
# By a part of the model's name; the first that fits. From the models' own cards.
_BY_NAME: Final[Sequence[tuple[str, Wants]]] = (
    ("nomic-embed-text", Wants("search_query: ", "search_document: ")),
    ("e5-mistral", Wants("Instruct: Given a question, find passages that answer it\nQuery: ")),
    ("e5-", Wants("query: ", "passage: ", 1_500)),
    ("mxbai-embed", Wants(_SEARCHING, "", 1_500)),
    ("bge-m3", Wants()),
    ("bge-", Wants(_SEARCHING, "", 1_500)),
    ("arctic-embed2", Wants("query: ")),
    ("arctic-embed-l-v2", Wants("query: ")),
    ("arctic-embed", Wants(_SEARCHING, "", 1_500)),
    ("embeddinggemma", Wants("task: search result | query: ", "title: none | text: ", 6_000)),
    ("qwen3-embedding", Wants("Instruct: Given a question, find passages that answer it\nQuery: ")),
    ("minilm", Wants("", "", 1_500)),
)


def wants(model: str) -> Wants:
    name = model.lower()
    return next((found for part, found in _BY_NAME if part in name), Wants())
