"""From a recorded message to stored effects, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ratchet.domain.effects import Annotate, Effect, Reply
from ratchet.domain.incidents import Action
from ratchet.handlers.base import Trigger
from ratchet.jobs.base import Cancel, Done
from ratchet.pipeline.dispatch import Dispatch
from ratchet.store.channels import Channels
from tests.integration.pipeline.house import CONTEXT, ME, House, alert_said, at, deleted, edited, said

EFFECTS = "select key, effect->>'markdown', state from outbox order by key"
ACTIONS = "select action from incident_events order by version"


@dataclass
class Echo:
    """Wants every message that is no edit, and every open or close; replies with what it is about."""

    ran: list[Trigger] = field(default_factory=list)
    name: str = "echo"
    timeout_s: float = 5.0

    def wants(self, trigger: Trigger) -> bool:
        return not trigger.edited or trigger.incident.action is not Action.NONE

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        self.ran.append(trigger)
        message = trigger.message
        said = f"{trigger.incident.action.value}: {message.text}"
        return [
            Reply(message.channel_id, message.thread_ts, said),
            Annotate(message.channel_id, message.ts, {"echoed": True}),
            Reply(message.channel_id, message.thread_ts, "second"),
        ]


def dispatch_of(house: House, handler: Echo) -> Dispatch:
    return Dispatch(house.db, house.queue, house.classifier, [handler], ME.user_id)


async def handled(house: House, handler: Echo) -> int:
    """Work off all message and handler jobs; how often the handler ran."""
    before = len(handler.ran)
    await house.work_off(dispatch_of(house, handler).run_message, "message")
    await house.work_off(dispatch_of(house, handler).run_handler, "handler")
    return len(handler.ran) - before


async def test_a_run_stores_its_effects_and_a_delivery_job_for_each(house: House) -> None:
    await house.hear(said(at(0), "hello"))
    assert await handled(house, Echo()) == 1
    key = f"echo:C1:{at(0)}"
    assert await house.rows(EFFECTS) == [
        (f"{key}:0", "none: hello", "pending"),
        (f"{key}:2", "second", "pending"),
    ]
    assert [job.key for job in await house.jobs("deliver")] == [f"{key}:0", f"{key}:2"]
    assert await house.rows("select attrs->'echoed' from messages") == [(True,)]


async def test_a_run_that_is_repeated_asks_the_handler_no_more(house: House) -> None:
    await house.hear(said(at(0), "hello"))
    handler = Echo()
    dispatch = dispatch_of(house, handler)
    await house.work_off(dispatch.run_message, "message")
    (job,) = await house.take("handler")
    assert [await dispatch.run_handler(job, CONTEXT) for _ in range(3)] == [Done()] * 3
    assert len(handler.ran) == 1
    assert len(await house.rows(EFFECTS)) == len(await house.jobs("deliver")) == 2


async def test_two_runs_at_once_store_the_effects_of_one(house: House) -> None:
    await house.hear(said(at(0), "hello"))
    dispatch = dispatch_of(house, Echo())
    effects = [Reply("C1", at(0), "one")]
    assert await dispatch.commit("echo:C1:1", "echo", effects)
    assert not await dispatch.commit("echo:C1:1", "echo", [Reply("C1", at(0), "two")])
    assert [text for _, text, _ in await house.rows(EFFECTS)] == ["one"]
    assert len(await house.jobs("deliver")) == 1


async def test_an_edit_that_turns_a_firing_alert_into_a_resolved_one_is_a_close(house: House) -> None:
    fired = alert_said(at(0))
    await house.hear(fired)
    handler = Echo()
    assert await handled(house, handler) == 1
    resolved = alert_said(at(0), firing=False)
    await house.hear(edited(fired, at(60), attachments=resolved["attachments"]))
    await house.work_off(dispatch_of(house, handler).run_message, "message")
    assert await house.rows(ACTIONS) == [("open_incident",), ("close_incident",)]
    assert await house.rows("select firings, closed_at is not null from incidents") == [(1, True)]


async def test_an_edit_that_keeps_an_alert_open_triggers_nothing(house: House) -> None:
    fired = alert_said(at(0))
    await house.hear(fired)
    handler = Echo()
    assert await handled(house, handler) == 1
    more = [{**fired["attachments"][0], "text": "still burning"}]
    await house.hear(edited(fired, at(60), attachments=more))
    await house.work_off(dispatch_of(house, handler).run_message, "message")
    assert await house.jobs("handler") == []
    assert await house.rows("select firings, closed_at from incidents") == [(1, None)]


async def test_an_edit_that_turns_a_message_into_an_alert_triggers_the_handler(house: House) -> None:
    harmless = alert_said(at(0)) | {"attachments": [], "text": "checking"}
    await house.hear(harmless)
    handler = Echo()
    await house.work_off(dispatch_of(house, handler).run_message, "message")
    assert len(await house.take("handler")) == 1
    await house.hear(edited(harmless, at(60), text="", attachments=alert_said(at(0))["attachments"]))
    assert await handled(house, handler) == 1
    assert handler.ran[-1].incident.action is Action.OPEN


async def test_an_alert_that_was_resolved_by_an_edit_before_its_job_ran_did_fire(house: House) -> None:
    fired = alert_said(at(0))
    resolved = alert_said(at(0), firing=False)
    await house.hear(fired)
    await house.hear(edited(fired, at(60), attachments=resolved["attachments"]))
    await house.work_off(dispatch_of(house, Echo()).run_message, "message")
    assert await house.rows("select firings, closed_at is not null from incidents") == [(1, True)]


async def test_what_was_said_before_our_time_triggers_nothing(house: House) -> None:
    await house.hear(said(at(-5), "now"))
    await house.take("message")
    await house.recall(said(at(0), "hello"), alert_said(at(1)))
    assert await handled(house, Echo()) == 0
    assert await house.rows(ACTIONS) == [("open_incident",)]


async def test_our_own_messages_trigger_nothing(house: House) -> None:
    await house.hear(said(at(0), "I said so", user=ME.user_id))
    assert await handled(house, Echo()) == 0
    assert await house.rows("select attrs->'sender'->>'kind' from messages") == [("self",)]


async def test_a_channel_that_is_off_or_shared_with_others_gets_no_replies(house: House) -> None:
    await house.hear(said(at(0), "hello"))
    await house.take("message")
    await Channels(house.db).set_mode("C1", "off")
    await house.hear(said(at(1), "still there?"), alert_said(at(2)))
    assert await handled(house, Echo()) == 0
    assert await house.rows(ACTIONS) == [("open_incident",)]
    await Channels(house.db).set_mode("C1", "mention")
    await house.hear({"type": "channel_shared", "channel": "C1", "event_ts": at(3)})
    await house.hear(said(at(4), "hello partner"))
    assert await handled(house, Echo()) == 0
    await house.hear({"type": "channel_unshared", "channel": "C1", "event_ts": at(5)})
    await house.hear(said(at(6), "among us"))
    assert await handled(house, Echo()) == 1


async def test_a_message_deleted_before_its_job_ran_is_no_failure(house: House) -> None:
    await house.hear(said(at(0), "oops"), said(at(1), "stays"))
    handler = Echo()
    dispatch = dispatch_of(house, handler)
    await house.work_off(dispatch.run_message, "message")
    handler_jobs = await house.take("handler")
    await house.hear(deleted(at(0), at(5)))
    outcomes = [await dispatch.run_handler(job, CONTEXT) for job in handler_jobs]
    assert outcomes == [Cancel("the message was deleted"), Done()]
    assert [trigger.message.text for trigger in handler.ran] == ["stays"]
