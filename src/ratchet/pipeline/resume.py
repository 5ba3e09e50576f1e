"""A turn that waited for a person goes on: once, whatever is killed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.domain.effects import Footer, Reply
from ratchet.domain.messages import MessageRef
from ratchet.handlers.base import Resumable, Trigger
from ratchet.jobs.base import Cancel, Done, JobContext, Outcome
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.dispatch import Dispatch, is_emptied
from ratchet.store import approvals
from ratchet.store.approvals import Approval
from ratchet.store.channels import Channels
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox

log = structlog.get_logger(__name__)

INTERRUPTED: Final = (
    "I was interrupted while I did what was agreed to, and cannot tell how far it came. Check it; I do not"
    " try it again by myself."
)


@dataclass(frozen=True, slots=True)
class Resume:
    dispatch: Dispatch
    commit: Commit

    async def run(self, job: work.ResumeJob, context: JobContext) -> Outcome:
        run_key = f"{job.key}:resumed"
        if await Outbox(self.commit.db).ran(run_key):
            return Done()
        async with self.commit.db.transaction() as conn:
            approval = await approvals.get(conn, job.key)
            turn = await approvals.take_turn(conn, job.key)
        if approval is None or approval.state == "withdrawn":
            return Cancel("nothing waits any more")
        if turn is None:
            await self.commit.run(run_key, approval.handler, [_said(approval, INTERRUPTED)])
            return Done()
        ref = MessageRef(approval.source_channel, approval.source_ts)
        message, channel = (
            await Messages(self.commit.db).get(ref),
            await Channels(self.commit.db).get(ref.channel_id),
        )
        handler: object = self.dispatch.named(approval.handler)
        if message is None or channel is None or is_emptied(message) or not isinstance(handler, Resumable):
            return Cancel("the message was deleted")
        trigger = Trigger(message, channel, self.dispatch.me_user_id)
        effects = await handler.resume(trigger, turn, approval.state == "approved")
        await self.commit.run(run_key, approval.handler, effects)
        log.info("turn_resumed", key=job.key, approved=approval.state == "approved")
        return Done()


def _said(approval: Approval, text: str) -> Reply:
    return Reply(approval.channel_id, approval.thread_ts, text, Footer(approval.handler))
