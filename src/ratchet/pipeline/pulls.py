"""An approved change of documents → one commit on the thread's branch, and one pull request. Once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.documents.diffs import changed_lines, diff
from ratchet.documents.edits import apply
from ratchet.documents.forge import Forge, ForgeSession, Pull
from ratchet.documents.rules import path_problem, text_problem
from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.domain.proposals import Change, CurrentFile, FileEdit, from_json
from ratchet.jobs.base import Done, JobContext, Outcome, Snooze
from ratchet.pipeline import branches, work
from ratchet.pipeline.commit import Commit
from ratchet.store import pulls
from ratchet.store.outbox import Outbox, start_run
from ratchet.store.pulls import KeptPull

log = structlog.get_logger(__name__)

MODULE: Final = "docupdate"
# Somebody else may commit to the branch meanwhile.
TRIES: Final = 4
MAX_PULLS: Final = 30
# What an operator must mend is tried again, at this pace, for a week.
MEND_S: Final = 60.0
MENDS: Final = 7 * 24 * 60
GAVE_UP: Final = (
    "The pull request was not opened: something in me failed again and again. An operator sees what with"
    " `ratchet jobs dead`, and has me try again with `ratchet jobs retry`; nobody needs to approve again."
)
NO_SOURCE: Final = "The pull request was not opened: there is no source {name} any more that takes one."
NOT_OPENED: Final = "The pull request was not opened, and nothing was changed: {why}"
WAITS: Final = (
    "The pull request cannot be opened yet: {why} I try again by myself; nobody needs to approve again."
)
GONE: Final = "{path} was deleted since the diff was shown. Ask again, and I look for where it belongs now."
THERE: Final = "{path} was written meanwhile by somebody else. Ask again, and I propose edits to it."
STALE: Final = (
    "{path} was changed since the diff was shown, where this change belongs. I do not write over that: ask"
    " again, and I propose it for the page as it is now."
)


@dataclass(frozen=True, slots=True)
class OpenedPull:
    """`branch` of `pull`; `first`: it was opened for this change."""

    pull: Pull
    branch: str
    first: bool


@dataclass(frozen=True, slots=True)
class OpenPulls:
    """`forges` by the name of their source."""

    commit: Commit
    forges: Mapping[str, Forge]

    async def run(self, job: work.PullJob, context: JobContext) -> Outcome:
        """May run again at any point: what is there already is found by its mark, and not made again."""
        if await Outbox(self.commit.db).ran(_done(job)):
            return Done()
        change = from_json(job.change)
        forge = self.forges.get(change.source)
        if forge is None:
            return await self._end(job, NO_SOURCE.format(name=change.source))
        try:
            async with forge.session() as session:
                opened = await self._opened(forge, session, job, change)
        except Misconfigured as error:
            await self.commit.run(f"{job.key}:waits", MODULE, [_said(job, WAITS.format(why=error))])
            if context.snoozes < MENDS:
                return Snooze(MEND_S, str(error))
            return await self._end(job, NOT_OPENED.format(why=error))
        except Refused as error:
            return await self._end(job, NOT_OPENED.format(why=error))
        await self._keep(job, forge, change, opened)
        return Done()

    async def gave_up(self, job: work.PullJob) -> None:
        """Say that it is not tried again by itself."""
        await self.commit.run(f"{job.key}:gave-up", MODULE, [_said(job, GAVE_UP)])

    async def _opened(
        self, forge: Forge, session: ForgeSession, job: work.PullJob, change: Change
    ) -> OpenedPull:
        base, mark = await session.base(), branches.mark_of(job.key)
        branch, pull = await self._branch(forge, session, job, mark)
        if pull is None or branches.comment(mark) not in pull.body:
            await _commit(forge, session, change, _Place(base, branch, mark))
        if pull is None:
            body = branches.body(change, mark, job.link)
            title = branches.inert(change.title)
            return OpenedPull(await session.open_pull(branch, base, title, body), branch, first=True)
        if branches.comment(mark) in pull.body:
            return OpenedPull(pull, branch, first=pull.body.count("<!-- ratchet:") == 1)
        body = branches.more(pull.body, change, mark, job.link)
        return OpenedPull(await session.describe(pull.number, body), branch, first=False)

    async def _branch(
        self, forge: Forge, session: ForgeSession, job: work.PullJob, mark: str
    ) -> tuple[str, Pull | None]:
        """The thread's branch, with its pull request if one takes changes still, or took this one."""
        finished = await pulls.Pulls(self.commit.db).finished(forge.repository, job.channel_id, job.thread_ts)
        for number in range(max(0, finished - 1), finished + MAX_PULLS):
            branch = branches.branch_of(job.channel_id, job.thread_ts, number)
            pull = await session.pull(branch)
            took_it = pull is not None and branches.comment(mark) in pull.body
            takes_more = number >= finished and (pull is None or pull.state == "open")
            if took_it or takes_more:
                return branch, pull
        raise Refused(f"this thread has had {MAX_PULLS} pull requests already.")

    async def _keep(self, job: work.PullJob, forge: Forge, change: Change, opened: OpenedPull) -> None:
        """The link into the thread, and the pull request among those that are watched: in one transaction."""
        pull = opened.pull
        verb = "Opened" if opened.first else "Updated"
        text = f"{verb} the draft pull request [{_name(forge, pull)}]({pull.url}): {change.title}"
        kept = KeptPull(
            forge.repository,
            pull.number,
            change.source,
            job.channel_id,
            job.thread_ts,
            opened.branch,
            pull.url,
        )
        async with self.commit.db.transaction() as conn:
            if await start_run(conn, _done(job), 1):
                await pulls.put(conn, kept)
                await self.commit.store(conn, _done(job), MODULE, [_said(job, text)])
        log.info("pull_opened", source=change.source, number=pull.number, first=opened.first)

    async def _end(self, job: work.PullJob, text: str) -> Outcome:
        effects: Sequence[Effect] = [_said(job, text)]
        await self.commit.run(_done(job), MODULE, effects)
        log.info("pull_not_opened", key=job.key)
        return Done()


@dataclass(frozen=True, slots=True)
class _Place:
    base: str
    branch: str
    mark: str


async def _commit(forge: Forge, session: ForgeSession, change: Change, place: _Place) -> None:
    """The change on the branch, unless it is there already. Raises Refused when it does not fit any more."""
    for _ in range(TRIES):
        head = await session.head(place.branch)
        if head is not None and branches.committed(await session.said(place.base, place.branch), place.mark):
            return
        parent = head or await session.head(place.base)
        if parent is None:
            raise Refused(f"its branch {place.base} is not there.")
        texts = {one.path: await _text(forge, session, one, parent) for one in change.files}
        if await session.commit(
            place.branch, parent, texts, branches.message(change, place.mark), new=head is None
        ):
            return
    raise Transient(f"The branch {place.branch} changes faster than it can be written to.")


async def _text(forge: Forge, session: ForgeSession, wanted: FileEdit, commit: str) -> str:
    """The file's new text, from what it is in this very commit."""
    problem = path_problem(wanted.path) or forge.objection(wanted.path)
    if problem is not None:
        raise Refused(f"{wanted.path} cannot be written: {problem}.")
    text = changed(wanted, await session.read(wanted.path, commit))
    if problem := text_problem(text):
        raise Refused(f"{wanted.path} cannot be written: {problem}.")
    return text


def changed(wanted: FileEdit, current: CurrentFile | None) -> str:
    """The new text. Raises Refused when it would be another change than the one that was shown."""
    if wanted.content is not None:
        if current is not None and current.text != wanted.content:
            raise Refused(THERE.format(path=wanted.path))
        return wanted.content
    if current is None:
        raise Refused(GONE.format(path=wanted.path))
    try:
        text = apply(current.text, wanted.edits)
    except Refused:
        raise Refused(STALE.format(path=wanted.path)) from None
    same = changed_lines(diff(wanted.path, current.text, text)) == wanted.shown
    if current.blob != wanted.blob and not same:
        raise Refused(STALE.format(path=wanted.path))
    return text


def _done(job: work.PullJob) -> str:
    return f"{job.key}:pull"


def _name(forge: Forge, pull: Pull) -> str:
    return f"{'/'.join(forge.repository.rstrip('/').split('/')[-2:])}#{pull.number}"


def _said(job: work.PullJob, text: str) -> Reply:
    return Reply(job.channel_id, job.thread_ts, text, Footer(MODULE))
