"""Documents and their chunks: storing them, and the state of their sources."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.documents import Document
from ratchet.store.chunk_vectors import embedded_text
from ratchet.store.naming import keys_of
from ratchet.store.pool import Database
from ratchet.store.words import search_text, storable

# The version of parsing and chunking. Count it up when they change: every document is read again then.
FORMAT: Final = 2

BEGIN_REFRESH: Final = """
insert into sources (name, kind, base, state, checked_at)
values (%(name)s, %(kind)s, %(base)s, 'running', now())
on conflict (name) do update set kind = excluded.kind, base = excluded.base, state = 'running', checked_at = now(),
    done = null, total = null
"""
PROGRESS: Final = "update sources set done = %(done)s, total = %(total)s where name = %(name)s"
# What was left by a refresh with other settings helps no other one.
LEFT: Final = """
select coalesce(revision, '') as revision, problems, memory from sources
where name = %(name)s and fingerprint = %(fingerprint)s
"""
REMEMBER: Final = """
update sources set memory = %(memory)s, fingerprint = %(fingerprint)s,
    revision = case when fingerprint = %(fingerprint)s then revision end
where name = %(name)s
"""
END_REFRESH: Final = """
update sources set state = 'ready', revision = %(revision)s, fingerprint = %(fingerprint)s, memory = %(memory)s,
    error = null, note = %(note)s, problems = %(problems)s, refreshed_at = now(), done = null, total = null
where name = %(name)s
"""
FAIL_REFRESH: Final = """
update sources set state = 'failed', error = %(error)s, done = null, total = null where name = %(name)s
"""
FORGET_OTHERS: Final = "delete from sources where name <> all(%(names)s)"
BLOBS: Final = "select path, blob from documents where source = %(source)s and format = %(format)s"
PATHS: Final = "select path from documents where source = %(source)s"
PUT_DOCUMENT: Final = """
insert into documents (source, path, blob, format, title, text, url, names, attrs)
values (%(source)s, %(path)s, %(blob)s, %(format)s, %(title)s, %(text)s, %(url)s, %(names)s, %(attrs)s)
on conflict (source, path) do update set blob = excluded.blob, format = excluded.format, title = excluded.title,
    text = excluded.text, url = excluded.url, names = excluded.names, attrs = excluded.attrs, indexed_at = now()
"""
# A text that has an embedding somewhere, also in the version that is being replaced, keeps it.
PUT_CHUNKS: Final = """
insert into chunks (source, path, number, heading, text, hash, embedding, fts)
select %(source)s, %(path)s, u.number, u.heading, u.text, u.hash,
       (select o.embedding from chunks o where o.hash = u.hash and o.embedding is not null limit 1),
       setweight(to_tsvector('english', %(name_words)s), 'A') || setweight(to_tsvector('english', u.heading_words), 'B')
       || to_tsvector('english', u.words)
from unnest(%(numbers)s::int[], %(headings)s::text[], %(texts)s::text[], %(hashes)s::bytea[],
            %(heading_words)s::text[], %(words)s::text[]) as u (number, heading, text, hash, heading_words, words)
on conflict (source, path, number) do update set heading = excluded.heading, text = excluded.text,
    hash = excluded.hash, embedding = excluded.embedding, unembeddable = false, fts = excluded.fts
"""
CUT_CHUNKS: Final = """
delete from chunks where source = %(source)s and path = %(path)s and number >= %(count)s
"""
REMOVE: Final = "delete from documents where source = %(source)s and path = any(%(paths)s)"
STATUS: Final = """
select s.name, s.kind, s.state, s.revision, s.error, s.note, s.problems, s.checked_at, s.refreshed_at, s.done, s.total,
       (select count(*)::int from documents d where d.source = s.name) as documents,
       counted.chunks, counted.chunks - counted.waiting as embedded
from sources s
-- Both from an index alone: in the table each chunk has its text and its vector beside it.
cross join lateral (
    select (select count(*)::int from chunks c where c.source = s.name) as chunks,
           (select count(*)::int from chunks c where c.source = s.name and c.embedding is null) as waiting
) counted
order by s.name
"""
ANALYZE: Final = "analyze chunks"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """`problems`: the files left out, each {path, reason}. `embedded`: chunks that are found by meaning too.

    `done` of `total` changed files are read while `state` is running; None before they are listed.
    """

    name: str
    kind: str
    state: str
    revision: str | None
    error: str | None
    note: str | None
    problems: Sequence[Mapping[str, Any]]
    checked_at: datetime | None
    refreshed_at: datetime | None
    done: int | None
    total: int | None
    documents: int
    chunks: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Left:
    """What a refresh leaves for the next one. `problems`: {path, reason, lasting}."""

    revision: str
    problems: Sequence[Mapping[str, Any]] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)


class Documents:
    """Writing, one transaction a document; reading the state."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, name: str, kind: str, base: str = "") -> None:
        async with self._db.transaction() as conn:
            await conn.execute(BEGIN_REFRESH, {"name": name, "kind": kind, "base": base})

    async def left(self, name: str, fingerprint: str) -> Left | None:
        """What the last whole refresh left, when it had the same settings and format."""
        values = {"name": name, "fingerprint": _versioned(fingerprint)}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Left)) as cur:
            return await (await cur.execute(LEFT, values)).fetchone()

    async def progress(self, name: str, done: int, total: int) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(PROGRESS, {"name": name, "done": done, "total": total})

    async def remember(self, name: str, fingerprint: str, memory: Mapping[str, Any]) -> None:
        """What a refresh that is under way, or failed, has learnt; it has not read everything."""
        values = {"name": name, "fingerprint": _versioned(fingerprint), "memory": Jsonb(dict(memory))}
        async with self._db.transaction() as conn:
            await conn.execute(REMEMBER, values)

    async def end(self, name: str, left: Left, *, fingerprint: str, note: str = "") -> None:
        values = {
            "name": name,
            "revision": left.revision,
            "fingerprint": _versioned(fingerprint),
            "problems": Jsonb([dict(problem) for problem in left.problems]),
            "memory": Jsonb(dict(left.memory)),
            "note": note or None,
        }
        async with self._db.transaction() as conn:
            await conn.execute(END_REFRESH, values)

    async def fail(self, name: str, error: str) -> None:
        """What is stored of the source stays."""
        async with self._db.transaction() as conn:
            await conn.execute(FAIL_REFRESH, {"name": name, "error": storable(error)})

    async def forget_others(self, names: Sequence[str]) -> int:
        """Delete the sources that are configured no longer, with their documents. Returns how many."""
        async with self._db.transaction() as conn:
            return (await conn.execute(FORGET_OTHERS, {"names": list(names)})).rowcount

    async def blobs(self, source: str) -> dict[str, str]:
        """Path to blob of the documents that need not be read again."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(BLOBS, {"source": source, "format": FORMAT})
            return dict(await cur.fetchall())

    async def paths(self, source: str) -> set[str]:
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(PATHS, {"source": source})
            return {path for (path,) in await cur.fetchall()}

    async def put(self, source: str, document: Document) -> None:
        """The document and its chunks, in place of what was stored of it."""
        where = {"source": source, "path": document.path}
        async with self._db.transaction() as conn:
            await conn.execute(PUT_DOCUMENT, where | _document_values(document))
            await conn.execute(PUT_CHUNKS, where | _chunk_values(document))
            await conn.execute(CUT_CHUNKS, where | {"count": len(document.chunks)})

    async def remove(self, source: str, paths: Sequence[str]) -> int:
        async with self._db.transaction() as conn:
            return (await conn.execute(REMOVE, {"source": source, "paths": list(paths)})).rowcount

    async def status(self) -> list[SourceStatus]:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(SourceStatus)) as cur:
            return await (await cur.execute(STATUS)).fetchall()

    async def analyze(self) -> None:
        """Take the statistics anew; for after a refresh that changed much."""
        async with self._db.connection() as conn:
            await conn.execute(ANALYZE)


def _versioned(fingerprint: str) -> str:
    """With the format, so that another one lists everything too; hashed, since settings may be long."""
    return hashlib.sha256(f"{FORMAT}\0{fingerprint}".encode()).hexdigest()


def _document_values(document: Document) -> dict[str, Any]:
    return {
        "blob": document.blob,
        "format": FORMAT,
        "title": storable(document.title),
        "text": storable(document.text),
        "url": document.url,
        "names": keys_of(document),
        "attrs": Jsonb(
            {
                "headings": [storable(heading) for heading in document.headings],
                "alerts": [storable(name) for name in document.alerts],
                "services": [storable(name) for name in document.services],
            }
        ),
    }


def _chunk_values(document: Document) -> dict[str, Any]:
    title = storable(document.title)
    headings = [storable(chunk.heading) for chunk in document.chunks]
    texts = [storable(chunk.text) for chunk in document.chunks]
    whole = [embedded_text(title, heading, text) for heading, text in zip(headings, texts, strict=True)]
    return {
        "numbers": list(range(len(texts))),
        "headings": headings,
        "texts": texts,
        "hashes": [hashlib.sha256(text.encode()).digest() for text in whole],
        # The path too: a page in redis/ that never says so is found by it.
        "name_words": search_text(f"{title}\n{storable(document.path)}"),
        "heading_words": [search_text(heading) for heading in headings],
        "words": [search_text(text) for text in texts],
    }
