"""A thread that may have gone quiet: looked at when it is time, and asked about once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ratchet.domain.effects import Effect
from ratchet.domain.messages import Channel, MessageRef, posted_at
from ratchet.handlers.suggest_docs import MODULE
from ratchet.jobs.base import Cancel, Done, JobContext, Outcome, Snooze
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.work import QuietThreadJob
from ratchet.store import quiet_threads
from ratchet.store.channels import Channels

# Clocks differ, and a message of this second may still be on its way.
MARGIN_S: Final = 1.0


class Considers(Protocol):
    async def consider(self, root: MessageRef, channel: Channel) -> Sequence[Effect]:
        """What to say about a thread that has gone quiet; nothing when it is not decided yet."""
        ...


@dataclass(frozen=True, slots=True)
class QuietThread:
    commit: Commit
    suggest: Considers
    clock: Callable[[], datetime]

    async def run(self, job: QuietThreadJob, _: JobContext) -> Outcome:
        root = MessageRef(job.channel_id, job.thread_ts)
        channel = await Channels(self.commit.db).get(job.channel_id)
        if channel is None or not channel.manners.suggest_docs or not channel.speaks or channel.archived:
            return Cancel("the channel does not want it any more")
        state = await quiet_threads.state(self.commit.db, root)
        if state is None or state.outcome is not None:
            return Cancel("the thread is gone, or was decided")
        now = self.clock()
        if (wait := self._wait(channel, state.newest_ts, now)) > 0:
            return Snooze(wait + MARGIN_S, "somebody wrote meanwhile, or it is to be quiet")
        if effects := await self.suggest.consider(root, channel):
            await self.commit.run(f"{MODULE}:{root}:quiet", MODULE, effects)
        return Done()

    def _wait(self, channel: Channel, newest_ts: str, now: datetime) -> float:
        """Seconds until nobody has written for long enough."""
        manners = channel.manners
        if manners.quiet_until is not None and manners.quiet_at(now):
            return (manners.quiet_until - now).total_seconds()
        return manners.quiet_minutes * 60.0 - (now - posted_at(newest_ts)).total_seconds()
