"""Documents → store: what changed in a source is read, chunked and put; what is gone goes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import structlog

from ratchet.documents.base import NOTHING, File, Known, Listing, Problem, Read, Session, Source, Unchanged
from ratchet.documents.parse import document
from ratchet.domain.errors import RatchetError, Transient
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Periodic, Priority, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.embed import embed_job
from ratchet.pipeline.work import RefreshJob
from ratchet.store.documents import Documents, Left, SourceStatus
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

CRON: Final = "*/10 * * * *"
JITTER_S: Final = 60.0
MAX_PROBLEMS: Final = 200
PROGRESS_EVERY: Final = 25
# A long first reading that is stopped goes on from about there.
REMEMBERED_EVERY: Final = 200
REMOVED_AT_ONCE: Final = 1_000
# After so many changed documents the statistics of words are taken anew.
ANALYZED_AFTER: Final = 20

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Refreshed:
    """What one refresh did. `error` when the source as a whole could not be read.

    `retry_after`: seconds that the source asked us to wait.
    """

    source: str
    read: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: list[Problem] = field(default_factory=list)
    note: str = ""
    error: str | None = None
    retry_after: float | None = None


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

    async def status(self) -> list[SourceStatus]:
        return await self._documents.status()

    async def start(self) -> None:
        """Forget sources that are configured no longer; refresh the others, and embed what was left."""
        await self._documents.forget_others(self.names)
        await self.request(self.names)
        async with self._db.transaction() as conn:
            await self._queue.put(conn, [embed_job()])

    async def request(self, names: Sequence[str], delay_s: float = 0.0, *, asked: bool = False) -> int:
        """Put a job for each source. Returns how many did not wait already."""
        jobs = [
            NewJob(RefreshJob(source=name, asked=asked), Priority.BACKFILL, delay_s, unique=f"refresh:{name}")
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
        done = await self.refresh(job.source, asked=job.asked)
        # The job waits for as long as it was asked to, so that no period puts another one.
        return Snooze(done.retry_after, done.error or "") if done.retry_after else Done()

    async def refresh(self, name: str, progress: Progress | None = None, *, asked: bool = False) -> Refreshed:
        """Bring the store to what the source holds now; `progress` gets name, done and total.

        `asked`: by a person, so that also what was looked at lately is looked at.
        """
        source = self._sources[name]
        done = Refreshed(name)
        await self._documents.begin(name, source.kind, source.base)
        try:
            known = replace(await self._known(source), asked=asked)
            async with source.session(known) as session:
                listing = await session.list()
                await self._read_changed(source, session, listing, known, done, progress)
                memory = session.memory
        except (RatchetError, OSError, TimeoutError) as error:
            done.error = str(error) or "it did not answer in time"
            done.retry_after = error.retry_after if isinstance(error, Transient) else None
            await self._documents.fail(name, done.error)
            log.warning("source_failed", source=name, reason=done.error)
            return done
        await self._finish(source, listing, memory, done)
        return done

    async def _known(self, source: Source) -> Known:
        files = await self._documents.blobs(source.name)
        left = await self._documents.left(source.name, source.fingerprint)
        if left is None:
            return replace(NOTHING, files=files)
        problems = tuple(Problem(**problem) for problem in left.problems)
        # What could not be read for now is tried again, though the source does not change meanwhile.
        whole = all(problem.lasting for problem in problems)
        return Known(left.revision if whole else "", files, problems, left.memory)

    async def _read_changed(
        self,
        source: Source,
        session: Session,
        listing: Listing,
        known: Known,
        done: Refreshed,
        progress: Progress | None,
    ) -> None:
        done.problems, done.note = list(listing.problems), listing.note
        changed = [path for path, blob in listing.files.items() if not blob or known.files.get(path) != blob]
        done.unchanged = len(listing.files) - len(changed)
        for start in range(0, len(changed), session.parallel):
            at = min(start + session.parallel, len(changed))
            failure = await self._read_group(session, changed[start:at], known, done)
            if failure is not None:
                await self._documents.remember(done.source, source.fingerprint, session.memory)
                raise failure
            if progress is not None:
                progress(done.source, at, len(changed))
            if at // PROGRESS_EVERY > start // PROGRESS_EVERY:
                await self._documents.progress(done.source, at, len(changed))
            if at // REMEMBERED_EVERY > start // REMEMBERED_EVERY:
                await self._documents.remember(done.source, source.fingerprint, session.memory)

    async def _read_group(
        self, session: Session, paths: Sequence[str], known: Known, done: Refreshed
    ) -> Exception | None:
        """Read all and keep what was read; the first failure of the source."""
        failure: Exception | None = None
        for found in await _read_some(session, paths):
            if isinstance(found, Exception):
                failure = failure or found
            else:
                await self._keep(session, found, known, done)
        return failure

    async def _keep(self, session: Session, found: Read, known: Known, done: Refreshed) -> None:
        match found:
            case Problem():
                done.problems.append(found)
            case File() if known.files.get(found.path) != found.blob:
                # A large file takes a while to take apart; the loop has other things to do.
                made = await asyncio.to_thread(document, found, session.url(found.path))
                await self._documents.put(done.source, made)
                done.read += 1
            case File() | Unchanged():
                done.unchanged += 1

    async def _finish(
        self, source: Source, listing: Listing, memory: Mapping[str, Any], done: Refreshed
    ) -> None:
        """Last, so that a file that was renamed finds its embeddings before they go."""
        gone = {problem.path for problem in done.problems if problem.lasting}
        kept = {problem.path for problem in done.problems if not problem.lasting}
        stored = await self._documents.paths(source.name)
        remove = sorted(path for path in stored if path in gone or path not in {*listing.files, *kept})
        for start in range(0, len(remove), REMOVED_AT_ONCE):
            done.removed += await self._documents.remove(source.name, remove[start : start + REMOVED_AT_ONCE])
        # Those that matter for the next refresh first.
        shown = sorted(done.problems, key=lambda problem: problem.lasting)[:MAX_PROBLEMS]
        left = Left(listing.revision, [asdict(problem) for problem in shown], memory)
        await self._documents.end(source.name, left, fingerprint=source.fingerprint, note=done.note)
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


async def _read_some(session: Session, paths: Sequence[str]) -> list[Read | Exception]:
    """All at a time. One that the source fails at does not stop the others."""

    async def read(path: str) -> Read | Exception:
        try:
            return await session.read(path)
        except (RatchetError, OSError, TimeoutError) as error:
            return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(path)) for path in paths]
    return [task.result() for task in tasks]
