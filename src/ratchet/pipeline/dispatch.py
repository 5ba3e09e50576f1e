"""From a recorded message to its handlers, and from a handler's effects to the outbox."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from ratchet.domain.effects import Effect
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import NOTHING, Action, IncidentAction
from ratchet.domain.messages import Channel, Message, MessageRef, Sender
from ratchet.handlers.base import Handler, Handlers, Trigger
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.pipeline.classify import BuiltIn, Classifier
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.embed import embed_job
from ratchet.pipeline.fold import Version
from ratchet.pipeline.pages import LIVE_WINDOW_S
from ratchet.pipeline.understand import NO_QUESTION, Understand, ask
from ratchet.store import incidents as incident_store
from ratchet.store.channels import Channels
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.pool import Database
from ratchet.telemetry import HANDLER_FAILURES, HANDLER_SECONDS
from ratchet.telemetry.tracing import span

log = structlog.get_logger(__name__)

ASSISTANT: Final = "assistant"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Runs message jobs and handler jobs."""

    db: Database
    queue: Queue
    classifier: Classifier
    handlers: Sequence[Handler | Handlers]
    me_user_id: str
    understand: Understand | None = None

    def interest(self, version: Version, channel: Channel) -> bool:
        """For the intake: whether a job for this version could come to anything. Pure."""
        message = version.message
        if message.sender.kind == "bot" or not isinstance(self.classifier, BuiltIn):
            return True
        trigger = self._trigger(message, channel, NOTHING, edit=version.edit)
        return any(True for _ in self._wanting(trigger))

    async def run_message(self, job: work.MessageJob, context: JobContext) -> Outcome:
        """Classify, record what it says about an incident, and put a job for each handler that wants it."""
        message = await Messages(self.db).get(MessageRef(job.channel_id, job.ts))
        if message is None or is_emptied(message):
            return Cancel("the message was deleted")
        message = _as_it_was(message, job)
        action, question = await self.classifier.classify(message), NO_QUESTION
        if self.understand is not None:
            action, question = await self.understand.judge(message, action, job)
        channel = await Channels(self.db).get(job.channel_id)
        if channel is None or not channel.speaks:
            question = NO_QUESTION  # where nothing is said, nothing is shown to a model either
        if not job.live or channel is None:
            return await self._record_only(message, action, edit=job.edit)
        jobs = self._handler_jobs(message, action, channel, edit=job.edit)
        if action.action is Action.NONE and not jobs and question is None:
            return Done()  # as with most messages
        async with self.db.transaction() as conn:
            turned = action
            if job.edit and action.action is not Action.NONE:
                before = await incident_store.action_before(conn, message)
                turned = NOTHING if before == action.action.value else action
            new = await incident_store.record(conn, incident_store.judged_of(message, action, edit=job.edit))
            jobs = self._handler_jobs(message, turned, channel, edit=job.edit) + (
                [embed_job()] if new else []
            )
            await self.queue.put(conn, [*jobs, *await ask(conn, question)])
        return Done()

    async def _record_only(self, message: Message, action: IncidentAction, *, edit: bool) -> Outcome:
        if action.action is Action.NONE:
            return Done()
        async with self.db.transaction() as conn:
            if await incident_store.record(conn, incident_store.judged_of(message, action, edit=edit)):
                await self.queue.put(conn, [embed_job()])
        return Done()

    def _handler_jobs(
        self, message: Message, action: IncidentAction, channel: Channel, *, edit: bool
    ) -> list[NewJob]:
        if message.sender.kind in ("self", "system") or not channel.speaks:
            return []
        if edit and action.action is Action.NONE and _long_ago(message):
            return []
        trigger = self._trigger(message, channel, action, edit=edit)
        return [
            NewJob(
                work.HandlerJob(
                    handler=handler.name,
                    channel_id=message.channel_id,
                    ts=message.ts,
                    version=message.version,
                    thread_ts=message.thread_ts,
                    edit=edit,
                ),
                priority=Priority.LIVE,
                unique=f"{handler.name}:{message.ref}",
            )
            for handler in self._wanting(trigger)
        ]

    async def run_handler(self, job: work.HandlerJob, context: JobContext) -> Outcome:
        """Run one handler for one message, once: its effects are stored under keys fixed by the job."""
        ref = MessageRef(job.channel_id, job.ts)
        run_key = f"{job.handler}:{ref}"
        if await Outbox(self.db).ran(run_key):
            return Done()
        handler = self.named(job.handler)
        if handler is None:
            return Cancel(f"no handler is called {job.handler}")
        message = await Messages(self.db).get(ref)
        channel = await Channels(self.db).get(job.channel_id)
        if message is None or channel is None or is_emptied(message):
            return Cancel("the message was deleted")
        if not channel.speaks:
            return Cancel("nothing may be said in the channel any more")
        action = await Incidents(self.db).action_of(ref, job.version)
        started = time.monotonic()
        with (
            HANDLER_FAILURES.labels(job.handler).count_exceptions(),
            span(f"handler {job.handler}", ratchet__handler=job.handler, ratchet__channel=job.channel_id),
        ):
            effects = await handler.handle(self._trigger(message, channel, action, edit=job.edit))
        HANDLER_SECONDS.labels(job.handler).observe(time.monotonic() - started)
        stored = await self.commit(run_key, job.handler, effects)
        log.info("handler_ran", handler=job.handler, message=str(ref), effects=len(effects), stored=stored)
        return Done()

    async def preview(self, ref: MessageRef) -> list[tuple[str, Sequence[Effect]]]:
        """Handler names and what they would do about a recorded message; nothing is stored.

        When no handler wants it, the assistant answers it as a question. Raises Refused for a message that is
        not recorded.
        """
        message = await Messages(self.db).get(ref)
        channel = await Channels(self.db).get(ref.channel_id)
        if message is None or channel is None:
            raise Refused(f"No message {ref.ts} is recorded in channel {ref.channel_id}.")
        action = await Incidents(self.db).action_of(ref, message.version)
        trigger = replace(self._trigger(message, channel.when_asked, action, edit=False), watched=False)
        # Those that come and go do more than say something: an executable would run for a look.
        plain = [handler for handler in self.handlers if not isinstance(handler, Handlers)]
        wanting = [handler for handler in plain if handler.wants(trigger)]
        chosen = wanting or [handler for handler in plain if handler.name == ASSISTANT]
        return [(handler.name, await handler.handle(trigger)) for handler in chosen]

    async def respond(self, ref: MessageRef, request: str) -> list[Effect]:
        """Do what `preview` says, now, whatever was said before. `request` names this demand, uniquely."""
        said: list[Effect] = []
        for handler, effects in await self.preview(ref):
            await self.commit(f"{handler}:{ref}:{request}", handler, effects)
            said += effects
        return said

    def _wanting(self, trigger: Trigger) -> Iterator[Handler]:
        for handler in self.handlers:
            if isinstance(handler, Handlers):
                yield from handler.each(trigger)
            elif handler.wants(trigger):
                yield handler

    def named(self, name: str) -> Handler | None:
        for handler in self.handlers:
            found = handler.named(name) if isinstance(handler, Handlers) else handler
            if found is not None and found.name == name:
                return found
        return None

    def _trigger(self, message: Message, channel: Channel, action: IncidentAction, *, edit: bool) -> Trigger:
        # What an edited message said before is not kept. It need not be: a handler that ran for the message
        # does not run again, so one that would have run for the old text is harmless to ask.
        previous_text = "" if edit else None
        return Trigger(message, channel, self.me_user_id, action, edit, previous_text)

    async def commit(self, run_key: str, handler: str, effects: Sequence[Effect]) -> bool:
        """Store a run's effects, all or none; False when they were stored before."""
        return await Commit(self.db, self.queue).run(run_key, handler, effects)


def is_emptied(message: Message) -> bool:
    """Deleted, and kept by Slack as the root of its replies."""
    return message.payload.get("subtype") == "tombstone"


def _long_ago(message: Message) -> bool:
    """Whether this version of the message came when nobody looks at it any more."""
    return float(message.version) - float(message.ts) > LIVE_WINDOW_S


def _as_it_was(message: Message, job: work.MessageJob) -> Message:
    """The version that the job is about, which may not be the present one."""
    if job.carried is None or message.version == job.version:
        return message
    carried: dict[str, Any] = job.carried
    return replace(
        message,
        version=job.version,
        sender=Sender(*carried["sender"]),
        text=carried["text"],
        payload=carried["payload"],
        edited=job.edit,
    )
