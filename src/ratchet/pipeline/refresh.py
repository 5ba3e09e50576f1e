"""Documents → store: what changed in a source is read, chunked and put; what is gone goes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ratchet.documents.base import Listing, Problem, Source
from ratchet.documents.parse import document
from ratchet.domain.errors import RatchetError
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Periodic, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline.embed import embed_job
from ratchet.pipeline.work import RefreshJob
from ratchet.store.documents import Documents
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

CRON: Final = "*/10 * * * *"
JITTER_S: Final = 60.0
MAX_PROBLEMS: Final = 200
REMOVED_AT_ONCE: Final = 1_000
# After so many changed documents the statistics of words are taken anew.
ANALYZED_AFTER: Final = 20

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Refreshed:
    """What one refresh did. `error` when the source as a whole could not be read."""

    source: str
    read: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: list[Problem] = field(default_factory=list)
    error: str | None = None


class Refresh:
    """`jitter` gives a share of JITTER_S, from 0 to 1, so that sources do not all begin at once."""

    def __init__(
        self,
        db: Database,
        queue: Queue,
        sources: Sequence[Source],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._queue = queue
        self._sources: Mapping[str, Source] = {source.name: source for source in sources}
        self._jitter = jitter
        self._documents = Documents(db)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sources)

    async def start(self) -> None:
        """Forget sources that are configured no longer; refresh the others, and embed what was left."""
        await self._documents.forget_others(self.names)
        await self.request(self.names)
        async with self._db.transaction() as conn:
            await self._queue.put(conn, [embed_job()])

    async def request(self, names: Sequence[str], delay_s: float = 0.0) -> int:
        """Put a job for each source. Returns how many did not wait already."""
        jobs = [
            NewJob(RefreshJob(source=name), Priority.BACKFILL, delay_s, unique=f"refresh:{name}")
            for name in names
        ]
        async with self._db.transaction() as conn:
            return await self._queue.put(conn, jobs)

    def periodic(self) -> Periodic:
        """Every ten minutes."""

        async def put() -> None:
            for name in self.names:
                await self.request([name], self._jitter() * JITTER_S)

        return Periodic("documents", CRON, put)

    async def run(self, job: RefreshJob, _: JobContext) -> Outcome:
        """A source that cannot be read is no failure of the job: the next period tries again."""
        if job.source not in self._sources:
            return Cancel(f"no source is called {job.source}")
        await self.refresh(job.source)
        return Done()

    async def refresh(self, name: str, progress: Progress | None = None) -> Refreshed:
        """Bring the store to what the source holds now; `progress` gets name, done and total."""
        source = self._sources[name]
        done = Refreshed(name)
        await self._documents.begin(name, source.kind)
        try:
            listing = await source.list()
            await self._read_changed(source, listing, done, progress)
        except (RatchetError, OSError, TimeoutError) as error:
            done.error = str(error) or "it did not answer in time"
            await self._documents.fail(name, done.error)
            log.warning("source_failed", source=name, reason=done.error)
            return done
        await self._finish(source, listing, done)
        return done

    async def _read_changed(
        self, source: Source, listing: Listing, done: Refreshed, progress: Progress | None
    ) -> None:
        known = await self._documents.blobs(source.name)
        done.problems = list(listing.problems)
        changed = [path for path, blob in listing.files.items() if known.get(path) != blob]
        done.unchanged = len(listing.files) - len(changed)
        for number, path in enumerate(changed, 1):
            file = await source.read(path)
            if isinstance(file, Problem):
                done.problems.append(file)
            else:
                # A large file takes a while to take apart; the loop has other things to do.
                found = await asyncio.to_thread(document, file, source.url(path))
                await self._documents.put(source.name, found)
                done.read += 1
            if progress is not None:
                progress(source.name, number, len(changed))

    async def _finish(self, source: Source, listing: Listing, done: Refreshed) -> None:
        """Last, so that a file that was renamed finds its embeddings before they go."""
        gone = {problem.path for problem in done.problems if problem.lasting}
        kept = {problem.path for problem in done.problems if not problem.lasting}
        stored = await self._documents.paths(source.name)
        remove = sorted(path for path in stored if path in gone or path not in {*listing.files, *kept})
        for start in range(0, len(remove), REMOVED_AT_ONCE):
            done.removed += await self._documents.remove(source.name, remove[start : start + REMOVED_AT_ONCE])
        problems = [{"path": p.path, "reason": p.reason} for p in done.problems[:MAX_PROBLEMS]]
        await self._documents.end(source.name, listing.revision, problems)
        if done.read + done.removed >= ANALYZED_AFTER:
            await self._documents.analyze()
        if done.read:
            async with self._db.transaction() as conn:
                await self._queue.put(conn, [embed_job()])
        log.info(
            "source_refreshed",
            source=source.name,
            read=done.read,
            unchanged=done.unchanged,
            removed=done.removed,
            problems=len(done.problems),
        )
