"""Clicks: feedback on an answer, decisions about what was asked for."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from ratchet.domain.effects import Footer, Reply
from ratchet.jobs.base import Cancel, Done, JobContext, Outcome
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit, deferred
from ratchet.slack import render
from ratchet.slack.web import SlackWeb
from ratchet.store import approvals
from ratchet.store.approvals import Approval, State
from ratchet.store.outbox import Outbox

log = structlog.get_logger(__name__)

SAID: Final = {
    "approved": "✅ Approved by <@{by}>.",
    "rejected": "❌ Rejected by <@{by}>. Nothing was changed.",
    "expired": "⌛ Expired. Nothing was changed; ask again.",
    "withdrawn": "The message that asked for this was deleted. Nothing was changed.",
}


@dataclass(frozen=True, slots=True)
class Interact:
    """`approvers`: user ids that may approve; empty for everybody who sees the question."""

    outbox: Outbox
    commit: Commit
    slack: SlackWeb
    approvers: Set[str] = field(default_factory=frozenset)

    async def run(self, job: work.InteractionJob, context: JobContext) -> Outcome:
        if (feedback := render.parse_feedback(job.value)) is not None:
            vote, key = feedback
            await self.outbox.vote(key, job.user_id, 1 if vote == "up" else -1)
            log.info("voted", key=key, vote=vote)
            return Done()
        if (decision := render.parse_decision(job.value)) is not None:
            return await self._decide(job, *decision)
        return Cancel(f"nobody handles {job.interaction} {job.action_id}")

    async def _decide(self, job: work.InteractionJob, answer: render.Answer, key: str) -> Outcome:
        """The first click of somebody who may decides; what was agreed to happens in the same transaction."""
        async with self.commit.db.transaction() as conn:
            approval = await approvals.get(conn, key)
            if approval is None:
                return Cancel("that was never asked, or long ago")
            if answer == "approve" and self.approvers and job.user_id not in self.approvers:
                await self.commit.store(conn, f"{key}:{job.user_id}", "approval", [_not_you(approval, job)])
                return Done()
            if approval.state == "pending":
                approval = _decided(approval, answer, job.user_id)
                await approvals.decide(conn, approval, approval.state, job.user_id)
                if approval.state == "approved":
                    effects = [deferred(data) for data in approval.effects]
                    await self.commit.store(conn, f"{key}:approved", approval.handler, effects)
        log.info("approval", key=key, state=approval.state)
        await self._show(approval, job)
        return Done()

    async def _show(self, approval: Approval, job: work.InteractionJob) -> None:
        """The question without its buttons, and what became of it. Shown again, it is the same."""
        if job.channel_id is None or job.message_ts is None:
            return
        said = SAID[approval.state].format(by=approval.decided_by)
        text = f"{approval.markdown}\n\n{said}" if approval.markdown else said
        reply = Reply(approval.channel_id, approval.thread_ts, text, Footer(approval.handler))
        await self.slack.update(job.channel_id, job.message_ts, render.render(reply, approval.key)[-1])


def _decided(approval: Approval, answer: render.Answer, by: str) -> Approval:
    state: State = "approved" if answer == "approve" else "rejected"
    return replace(approval, state="expired" if approval.late else state, decided_by=by)


def _not_you(approval: Approval, job: work.InteractionJob) -> Reply:
    text = f"<@{job.user_id}>, you are not among those who may approve this (RATCHET_APPROVERS)."
    return Reply(approval.channel_id, approval.thread_ts, text, Footer("approval"))
