"""How near the documents come to a question, on a scale that compares from one question to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from ratchet.domain.documents import DocumentHit, Passage
from ratchet.store.embeddings import Embedder, question_vector, vector_text
from ratchet.store.pool import Database

NEAREST: Final = """
select c.source, c.path, d.title, d.url, c.heading, c.text, 1 - (c.embedding <=> %(vector)s::halfvec) as similarity
from (
    select source, path, heading, text, embedding from chunks
    where embedding is not null
      and exists (select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s
                  and (s.value->>'dimension')::int = %(dimension)s)
    order by embedding <=> %(vector)s::halfvec limit 1
) c join documents d on d.source = c.source and d.path = c.path
"""


@dataclass(frozen=True, slots=True)
class Row:
    source: str
    path: str
    title: str
    url: str
    heading: str
    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class DocumentEvidence:
    """Satisfies `ratchet.handlers.unasked.Evidence`."""

    db: Database
    embedder: Embedder

    async def nearest(self, text: str) -> DocumentHit | None:
        """The passage that means most the same; its score is the cosine. None without documents or vectors."""
        vector = await question_vector(self.embedder, text)
        if vector is None:
            return None
        values = {
            "vector": vector_text(vector),
            "model": self.embedder.model,
            "dimension": len(vector),
        }
        async with self.db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            found = await (await cur.execute(NEAREST, values)).fetchone()
        if found is None:
            return None
        return DocumentHit(
            f"{found.source}/{found.path}",
            found.source,
            found.path,
            found.title,
            found.heading,
            found.url,
            (Passage(found.heading, found.text, found.similarity),),
            found.similarity,
        )
