"""What people and operators set for a channel, and what its messages then come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ratchet.domain.channels import Manners
from ratchet.domain.effects import Effect, Reply, SetManners
from ratchet.domain.incidents import Action
from ratchet.domain.messages import ChannelMode, MessageRef
from ratchet.handlers.base import Handler, Trigger
from ratchet.handlers.mentions import addressed, is_request
from ratchet.handlers.quiet import Quiet
from ratchet.jobs.base import Cancel
from ratchet.pipeline.dispatch import Dispatch
from ratchet.store.channels import Channels
from tests.integration.pipeline.house import CONTEXT, ME, START, House, alert_said, at, edited, said

BEGIN = datetime.fromtimestamp(START, UTC)
SAID = "select handler, effect->>'markdown' from outbox order by created_at, key"


@dataclass
class Speaker:
    """Answers people as the assistant does, and alerts unless it is quiet."""

    ran: list[str] = field(default_factory=list)
    name: str = "assistant"
    timeout_s: float = 5.0

    def wants(self, trigger: Trigger) -> bool:
        asked = addressed(trigger) and not is_request(trigger.message.text, trigger.me_user_id)
        return asked or trigger.incident.action is Action.OPEN

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message, alert = trigger.message, trigger.incident.action is Action.OPEN
        self.ran.append(message.ts)
        if alert and trigger.channel.manners.quiet_at(trigger.at):
            return []
        return [Reply(message.channel_id, message.thread_ts, "alert" if alert else "answer")]


def dispatch_of(house: House, *handlers: Handler) -> Dispatch:
    return Dispatch(house.db, house.queue, house.classifier, handlers, ME.user_id)


async def heard(house: House, *raws: dict[str, object]) -> list[tuple[str, str]]:
    """What is waiting to be said, all in all, after these messages."""
    dispatch = dispatch_of(house, Speaker(), Quiet())
    await house.hear(*raws)
    await house.work_off(dispatch.run_message, "message")
    await house.work_off(dispatch.run_handler, "handler")
    return await house.rows(SAID)


def asked(seconds: float, text: str) -> dict[str, object]:
    return said(at(seconds), f"<@{ME.user_id}> {text}")


async def configure(house: House, mode: ChannelMode | None = None, **changes: bool | datetime | None) -> None:
    assert await Channels(house.db).configure("C1", mode, changes) is not None


async def manners(house: House) -> Manners:
    channel = await Channels(house.db).get("C1")
    assert channel is not None
    return channel.manners


async def test_a_request_for_quiet_sets_the_channel_and_is_answered_once(house: House) -> None:
    [(handler, line)] = await heard(house, asked(0, "quiet for 2h"))
    assert handler == "quiet"
    assert line.startswith("Quiet in this channel for 2 h")
    assert await manners(house) == Manners(quiet_until=BEGIN + timedelta(hours=2))


async def test_in_quiet_alerts_get_nothing_and_people_their_answer_until_told_to_speak(house: House) -> None:
    await heard(house, asked(0, "be quiet"))
    found = await heard(house, alert_said(at(60)), asked(120, "what is open?"))
    assert found[1:] == [("assistant", "answer")]
    found = await heard(house, asked(180, "speak again"))
    assert found[2:] == [("quiet", "I speak again in this channel.")]
    assert await manners(house) == Manners()
    found = await heard(house, alert_said(at(240), "DiskFull"))
    assert found[3:] == [("assistant", "alert")]


async def test_another_channel_is_as_loud_as_before(house: House) -> None:
    await heard(house, asked(0, "be quiet"), said(at(1), "hello", channel="C2"))
    other = await Channels(house.db).get("C2")
    assert other is not None
    assert other.manners == Manners()


async def test_a_run_that_is_repeated_does_not_undo_what_was_set_since(house: House) -> None:
    dispatch = dispatch_of(house, Quiet())
    await house.hear(asked(0, "be quiet"))
    await house.work_off(dispatch.run_message, "message")
    [job] = await house.take("handler")
    await dispatch.run_handler(job, CONTEXT)
    await configure(house, quiet_until=None)
    await dispatch.run_handler(job, CONTEXT)
    assert not await dispatch.commit(f"quiet:C1:{at(0)}", "quiet", [SetManners("C1", {"quiet_until": BEGIN})])
    assert await manners(house) == Manners()


async def test_an_edit_into_a_question_is_answered_and_takes_nothing_back(house: House) -> None:
    request = asked(0, "be quiet")
    await heard(house, request)
    found = await heard(house, edited(request, at(30), text=f"<@{ME.user_id}> why is it so quiet?"))
    assert found[1:] == [("assistant", "answer")]
    assert (await manners(house)).quiet_until == BEGIN + timedelta(hours=24)


async def test_a_shared_channel_is_answered_only_when_it_is_allowed(house: House) -> None:
    await heard(house, said(at(0), "hello"))
    await house.hear({"type": "channel_shared", "channel": "C1", "event_ts": at(1)})
    unasked = (alert_said(at(2)), asked(3, "what is open?"), asked(4, "be quiet"))
    assert await heard(house, *unasked) == []
    await configure(house, external_allowed=True)
    found = await heard(house, alert_said(at(60), "DiskFull"), asked(61, "what is open?"))
    assert sorted(found) == [("assistant", "alert"), ("assistant", "answer")]


async def test_an_off_channel_gets_nothing_whatever_else_is_set(house: House) -> None:
    await heard(house, said(at(0), "hello"))
    await configure(house, "off", external_allowed=True)
    assert await heard(house, alert_said(at(1)), asked(2, "what is open?"), asked(3, "speak again")) == []


async def test_what_was_on_its_way_when_the_channel_was_switched_off_is_not_said(house: House) -> None:
    speaker = Speaker()
    dispatch = dispatch_of(house, speaker)
    await house.hear(alert_said(at(0)))
    await house.work_off(dispatch.run_message, "message")
    [job] = await house.take("handler")
    await configure(house, "off")
    assert await dispatch.run_handler(job, CONTEXT) == Cancel("nothing may be said in the channel any more")
    assert speaker.ran == []


async def test_an_operator_who_asks_about_an_alert_in_a_quiet_channel_is_answered(house: House) -> None:
    await heard(house, said(at(-5), "hello"))
    await configure(house, quiet_until=BEGIN + timedelta(days=1))
    assert await heard(house, alert_said(at(0))) == []
    [(_, effects)] = await dispatch_of(house, Speaker(), Quiet()).preview(MessageRef("C1", at(0)))
    assert effects == [Reply("C1", at(0), "alert")]
