"""The tables whose rows get vectors, in the order in which they get them. One more is one file and one line here."""

from __future__ import annotations

from typing import Final

from ratchet.store.chunk_vectors import ChunkVectors
from ratchet.store.embeddings import Target
from ratchet.store.message_vectors import MessageVectors
from ratchet.store.similar import NameVectors

VECTOR_TABLES: Final[tuple[Target, ...]] = (
    # The names first: they are few and short, and the next alert may ask for them.
    NameVectors(),
    ChunkVectors(),
    MessageVectors(),
)
