"""The embedding model: the one at a server that the settings name, else the bundled one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass

from ratchet.llm.connect import open_remote
from ratchet.llm.embed_local import LocalEmbedder, LocalQuestions
from ratchet.settings import Settings
from ratchet.store.embeddings import Embedder
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.pool import Database


@dataclass(frozen=True, slots=True)
class Embedding:
    """One model twice: some want to be told whether a text is a question. `place`: where it is, in words."""

    texts: Embedder
    questions: Embedder
    place: str = "in this process"


@asynccontextmanager
async def open_embedding(settings: Settings, db: Database | None) -> AsyncIterator[Embedding]:
    """The model; nothing is loaded or sent before the first text. In `db` is kept what calls cost."""
    config = settings.embedding
    if config is None:
        with closing(LocalEmbedder()) as local:
            yield Embedding(local, LocalQuestions(local))
        return
    async with aclosing(open_remote(config, LlmCalls(db) if db else None)) as remote:
        yield Embedding(remote, remote.queries, config.url)
