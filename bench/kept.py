"""Vectors kept from run to run, as embedding whole sets takes longest. They lie in `out/vectors.sqlite`."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ratchet.store.embeddings import Embedder, Vector

PORTION: Final = 256


class Kept:
    """Satisfies `ratchet.store.embeddings.Embedder`: what was embedded once is read from a file."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        path.parent.mkdir(exist_ok=True)
        self._file = sqlite3.connect(path)
        self._file.execute("create table if not exists v (h blob primary key, e blob)")
        self.model = embedder.model
        self.dimension = embedder.dimension

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        found: dict[str, Vector] = {}
        for text in texts:
            if (kept := self._read(text)) is not None:
                found[text] = kept
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        made = await self._embedder.embed(missing) if missing else []
        for text, vector in zip(missing, made, strict=True):
            found[text] = vector
            kept_bytes = np.asarray(vector, dtype=np.float16).tobytes()
            self._file.execute("insert or ignore into v values (?, ?)", (_key(text), kept_bytes))
        self._file.commit()
        return [found[text] for text in texts]

    def _read(self, text: str) -> Vector | None:
        row: Any = self._file.execute("select e from v where h = ?", (_key(text),)).fetchone()
        return None if row is None else np.frombuffer(row[0], dtype=np.float16).astype(np.float32).tolist()

    def close(self) -> None:
        self._file.close()


def _key(text: str) -> bytes:
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).digest()
