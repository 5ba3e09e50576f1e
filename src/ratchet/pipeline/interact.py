"""Clicks: feedback on an answer, decisions about what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from ratchet.domain.effects import Footer, Form, Reply
from ratchet.domain.errors import Refused
from ratchet.handlers.update_docs import SHORTCUT
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority
from ratchet.pipeline import votes, work
from ratchet.pipeline.approvers import Approvers
from ratchet.pipeline.commit import Commit, deferred
from ratchet.pipeline.shortcuts import shortcut_job
from ratchet.slack import render
from ratchet.slack.web import SlackWeb
from ratchet.store import approvals, channels
from ratchet.store.approvals import Approval, State
from ratchet.store.outbox import Outbox

log = structlog.get_logger(__name__)

SAID: Final = {
    "approved": "✅ Approved by <@{by}>.",
    "rejected": "❌ Rejected by <@{by}>. Nothing was changed.",
    "expired": "⌛ Expired. Nothing was changed; ask again.",
    "withdrawn": "The message that asked for this was deleted. Nothing was changed.",
}
SAID_OF_DRAFT: Final = {
    "approved": "✅ Posted by <@{by}>.",
    "rejected": "❌ Discarded by <@{by}>.",
    "expired": "⌛ Expired. It was not posted.",
    "withdrawn": "A message it rests on was deleted. It was not posted.",
}


SAID_OF: Final[Mapping[Form, Mapping[str, str]]] = {
    "approval": SAID,
    "hand_over": {
        "approved": "🙋 <@{by}> called the owners.",
        "rejected": "",
        "expired": "⌛ Expired. Nobody was called.",
        "withdrawn": "The question was answered or deleted. Nobody was called.",
    },
    "suggest_docs": {
        "approved": "✏️ <@{by}>: it belongs into the documents.",
        "rejected": "<@{by}>: no. I do not ask again about this thread.",
        "expired": "⌛ Expired. The documents stay as they are.",
        "withdrawn": "A message that this rests on was deleted.",
    },
}


@dataclass(frozen=True, slots=True)
class Interact:
    outbox: Outbox
    commit: Commit
    slack: SlackWeb
    approvers: Approvers

    async def run(self, job: work.InteractionJob, context: JobContext) -> Outcome:
        if (feedback := render.parse_feedback(job.value)) is not None:
            vote, key = feedback
            await votes.clicked(self.commit.db, job, key, 1 if vote == "up" else -1)
            log.info("voted", key=key, vote=vote)
            return Done()
        if (decision := render.parse_decision(job.value)) is not None:
            return await self._decide(job, *decision)
        if job.interaction == "message_action" and (shortcut := shortcut_job(job)) is not None:
            async with self.commit.db.transaction() as conn:
                await self.commit.queue.put(conn, [shortcut])
            return Done()
        return Cancel(f"nobody handles {job.interaction} {job.action_id}")

    async def _decide(self, job: work.InteractionJob, answer: render.Answer, key: str) -> Outcome:
        """The first click of somebody who may decides; what was agreed to happens in the same transaction."""
        asked_by, form = await approvals.asked_by(self.commit.db, key) or ("", "approval")
        # Slack may have to be asked: not while a transaction is open. Other forms change nothing.
        free = answer == "reject" or form != "approval"
        may = free or await self.approvers.may(job.user_id, asked_by)
        async with self.commit.db.transaction() as conn:
            approval = await approvals.get(conn, key)
            if approval is None:
                return Cancel("that was never asked, or long ago")
            if not may:
                await self.commit.store(conn, f"{key}:{job.user_id}", "approval", [_not_you(approval, job)])
                return Done()
            if approval.state == "pending":
                if approval.draft and await _silent(conn, approval):
                    approval = replace(approval, late=True)
                approval = _decided(approval, answer, job.user_id)
                await approvals.decide(conn, approval, approval.state, job.user_id)
                if approval.state == "approved":
                    effects = [deferred(data) for data in approval.effects]
                    await self.commit.store(conn, f"{key}:approved", approval.handler, effects)
                if proposed := _proposal_job(approval, job):
                    await self.commit.queue.put(conn, [proposed])
                if approval.waits and approval.state in ("approved", "rejected"):
                    await self.commit.queue.put(conn, [_resume_job(approval)])
        log.info("approval", key=key, state=approval.state)
        await self._show(approval, job)
        return Done()

    async def _show(self, approval: Approval, job: work.InteractionJob) -> None:
        """The question without its buttons, and what became of it. Shown again, it is the same."""
        if job.channel_id is None or job.message_ts is None:
            return
        said = (SAID_OF_DRAFT if approval.draft else SAID_OF[approval.form])[approval.state].format(
            by=approval.decided_by
        )
        kept = approval.markdown.split("\n", 1)[0] if approval.draft else approval.markdown
        text = f"{kept}\n\n{said}" if kept else said
        reply = Reply(approval.channel_id, approval.thread_ts, text, Footer(approval.handler))
        await self.slack.update(job.channel_id, job.message_ts, render.render(reply, approval.key)[-1])
        if approval.draft:
            await self._tidy(approval, job.channel_id, job.message_ts)

    async def _tidy(self, approval: Approval, channel_id: str, kept: str) -> None:
        """Of a long draft, the messages before the one with the buttons."""
        row = await self.outbox.get(approval.key)
        for ts in row.slack_ts if row is not None else []:
            if ts != kept:
                try:
                    await self.slack.delete(channel_id, ts)
                except Refused:
                    log.info("draft_part_gone", key=approval.key)


async def _silent(conn: AsyncConnection[Any], approval: Approval) -> bool:
    """Whether nothing may be said any more where the draft would be posted."""
    effects = [deferred(data) for data in approval.effects]
    where = {effect.channel_id for effect in effects if isinstance(effect, Reply)}
    known = await channels.many(conn, where)
    return any(one not in known or not known[one].speaks for one in where)


def _resume_job(approval: Approval) -> NewJob:
    job = work.ResumeJob(key=approval.key, channel_id=approval.channel_id, thread_ts=approval.thread_ts)
    return NewJob(job, priority=Priority.LIVE, unique=f"resume:{approval.key}")


def _proposal_job(approval: Approval, job: work.InteractionJob) -> NewJob | None:
    """As if who said yes had used the shortcut on the thread; None where a person writes the page."""
    if approval.form != "suggest_docs" or approval.state != "approved" or approval.effects:
        return None
    source = {"channel_id": approval.source_channel, "message_ts": approval.source_ts, "thread_ts": None}
    return shortcut_job(job.model_copy(update={**source, "action_id": SHORTCUT}))


def _decided(approval: Approval, answer: render.Answer, by: str) -> Approval:
    state: State = "approved" if answer == "approve" else "rejected"
    return replace(approval, state="expired" if approval.late else state, decided_by=by)


def _not_you(approval: Approval, job: work.InteractionJob) -> Reply:
    text = f"<@{job.user_id}>, you are not among those who may approve this (RATCHET_APPROVERS)."
    thread_ts = approval.thread_ts or job.message_ts or ""
    return Reply(approval.channel_id, thread_ts, text, Footer("approval"))
