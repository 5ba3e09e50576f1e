"""Somebody opens a conversation with Ratchet: it greets, and offers questions."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.domain.effects import Reply
from ratchet.handlers.help import MODULE, PROMPTS, greeting
from ratchet.jobs.base import Done, JobContext, Outcome
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.progress import SlackProgress
from ratchet.store.channels import Channels


@dataclass(frozen=True, slots=True)
class Greet:
    commit: Commit
    progress: SlackProgress

    async def run(self, job: work.GreetJob, context: JobContext) -> Outcome:
        """One greeting for each conversation that Slack begins; prompts each time it is opened."""
        channel = await Channels(self.commit.db).get(job.channel_id)
        if channel is None or not channel.speaks:
            return Done()
        if job.thread_ts is not None:
            said = Reply(job.channel_id, job.thread_ts, greeting())
            await self.commit.run(f"greeting:{job.channel_id}:{job.thread_ts}", MODULE, [said])
        await self.progress.prompts(job.channel_id, job.thread_ts, dict(PROMPTS))
        return Done()
