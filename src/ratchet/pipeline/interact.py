"""Clicks: feedback on an answer."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from ratchet.jobs.base import Cancel, Done, JobContext, Outcome
from ratchet.pipeline import work
from ratchet.slack.render import parse_feedback
from ratchet.store.outbox import Outbox

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Interact:
    outbox: Outbox

    async def run(self, job: work.InteractionJob, context: JobContext) -> Outcome:
        feedback = parse_feedback(job.value)
        if feedback is None:
            return Cancel(f"nobody handles {job.interaction} {job.action_id}")
        vote, key = feedback
        await self.outbox.vote(key, job.user_id, 1 if vote == "up" else -1)
        log.info("voted", key=key, vote=vote)
        return Done()
