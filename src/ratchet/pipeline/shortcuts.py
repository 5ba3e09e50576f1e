"""A message shortcut → what its handler proposes, said under keys that this use of it determines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.domain.effects import DirectMessage, Effect
from ratchet.domain.messages import MessageRef
from ratchet.handlers.update_docs import SHORTCUT, UpdateDocs, Wanted
from ratchet.jobs.base import Done, JobContext, NewJob, Outcome, Priority
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.dispatch import is_emptied
from ratchet.store.channels import Channels
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox

log = structlog.get_logger(__name__)

NOT_RECORDED: Final = "I do not have that message: invite me to the channel, and I read what was said there."


@dataclass(frozen=True, slots=True)
class Shortcuts:
    commit: Commit
    update_docs: UpdateDocs

    async def run(self, job: work.ShortcutJob, context: JobContext) -> Outcome:
        if await Outbox(self.commit.db).ran(job.key):
            return Done()
        message = await Messages(self.commit.db).get(MessageRef(job.channel_id, job.ts))
        channel = await Channels(self.commit.db).get(job.channel_id)
        if message is None or channel is None or is_emptied(message):
            effects: Sequence[Effect] = [DirectMessage(NOT_RECORDED, user_id=job.user_id)]
        else:
            effects = await self.update_docs.propose(Wanted(message, channel, job.user_id))
        await self.commit.run(job.key, self.update_docs.name, effects)
        log.info("shortcut_ran", action=job.action, effects=len(effects))
        return Done()


def shortcut_job(job: work.InteractionJob) -> NewJob | None:
    """The job of a message shortcut that is known, None for any other."""
    if job.action_id != SHORTCUT or job.channel_id is None or job.message_ts is None:
        return None
    key = f"{SHORTCUT}:{job.channel_id}:{job.message_ts}:{job.user_id}:{job.at or ''}"
    wanted = work.ShortcutJob(
        key=key,
        action=job.action_id,
        user_id=job.user_id,
        channel_id=job.channel_id,
        ts=job.message_ts,
        thread_ts=job.thread_ts or job.message_ts,
    )
    return NewJob(wanted, priority=Priority.LIVE, unique=key)
