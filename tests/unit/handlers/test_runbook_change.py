"""People correct, pin and unpin; every change waits for a click."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ratchet.domain.effects import AskApproval, KeepRunbook, Reply
from ratchet.domain.messages import Channel, Message, MessageRef, Sender
from ratchet.domain.runbooks import from_json
from ratchet.handlers.base import Trigger
from ratchet.handlers.evidence import Gather
from ratchet.handlers.mentions import RunbookChange, asked_change
from ratchet.handlers.runbook_change import ChangeRunbook
from ratchet.handlers.runbook_writer import RunbookWriter
from tests.unit.handlers.test_runbook import LINKS, Record, triaged, ts


@dataclass
class Opened:
    named: tuple[str | None, str | None] | None = ("checkout", "HighErrorRate")

    async def opened(self, ref: MessageRef) -> tuple[str | None, str | None] | None:
        return self.named


def heard(text: str, kind: str = "public", name: str = "Ana") -> Trigger:
    message = Message(
        "C1", ts(100_001), Sender("person", "U1", name), f"<@UME> {text}", ts(100_001), parent_ts=ts(100_000)
    )
    channel = Channel("C1", "ops", "private" if kind == "private" else "public")
    return Trigger(message, channel, "UME")


async def asked(
    text: str, record: Record | None = None, opened: Opened | None = None, kind: str = "public"
) -> object:
    record = record or triaged("fixed by `systemctl restart checkout`")
    handler = ChangeRunbook(RunbookWriter(Gather(record, record)), opened or Opened(), LINKS, record)
    [effect] = await handler.handle(heard(text, kind))
    return effect


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the fix is now `restart it`", RunbookChange("correct", None, None, "`restart it`")),
        (
            "the runbook for checkout/HighErrorRate is wrong, use `restart it` instead",
            RunbookChange("correct", "checkout", "HighErrorRate", "`restart it`"),
        ),
        ("the fix is: drain\nthen restart", RunbookChange("correct", None, None, "drain\nthen restart")),
        (
            "the fix for checkout/DiskFull is now rotate logs",
            RunbookChange("correct", "checkout", "DiskFull", "rotate logs"),
        ),
        ("The fix for `DiskFull` is rotate logs", RunbookChange("correct", None, "DiskFull", "rotate logs")),
        ("pin the runbook", RunbookChange("pin", None, None)),
        ("please unpin the runbook for checkout/DiskFull.", RunbookChange("unpin", "checkout", "DiskFull")),
        ("what is the fix now?", None),
        ("is the fix in the runbook?", None),
        ("why pin the runbook", None),
    ],
)
def test_what_is_understood_as_a_change(text: str, wanted: RunbookChange | None) -> None:
    assert asked_change(f"<@UME> {text}", "UME") == wanted


async def test_a_correction_asks_first_and_keeps_the_words_on_approval() -> None:
    effect = await asked("the fix is now `kubectl scale`, thanks <@U2>")
    assert isinstance(effect, AskApproval)
    assert "> `kubectl scale`, thanks @someone" in effect.markdown
    assert "https://team.slack.com/archives/C1/p" in effect.markdown
    [kept] = effect.effects
    assert isinstance(kept, KeepRunbook)
    assert (kept.scope, kept.service, kept.alert, kept.pinned) == ("", "checkout", "HighErrorRate", True)
    fix = from_json(kept.content).last_fix
    assert fix is not None
    assert fix.text.startswith("`kubectl scale`")
    assert kept.sources == (("C1", ts(100_001)),)


async def test_the_question_names_who_asks_though_slack_sent_only_an_id() -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    handler = ChangeRunbook(RunbookWriter(Gather(record, record)), Opened(), LINKS, record)
    [effect] = await handler.handle(heard("pin the runbook", name=""))
    assert isinstance(effect, AskApproval)
    assert "as [Ana](https://team.slack.com" in effect.markdown


async def test_a_correction_in_a_private_channel_stays_there() -> None:
    effect = await asked("the fix is now `kubectl scale`", kind="private")
    assert isinstance(effect, AskApproval)
    [kept] = effect.effects
    assert isinstance(kept, KeepRunbook)
    assert kept.scope == "C1"


async def test_a_secret_in_a_correction_is_not_kept() -> None:
    effect = await asked("the fix is now to use xoxb-123456789012-abcdefghijklmnop")
    assert isinstance(effect, AskApproval)
    assert "xoxb-1234" not in str(effect)


async def test_outside_an_alert_it_asks_which_one() -> None:
    effect = await asked("the fix is now this", opened=Opened(None))
    assert isinstance(effect, Reply)
    assert effect.markdown.startswith("Which alert?")


async def test_pinning_keeps_what_is_said_now() -> None:
    effect = await asked("pin the runbook")
    assert isinstance(effect, AskApproval)
    [kept] = effect.effects
    assert isinstance(kept, KeepRunbook)
    fix = from_json(kept.content).last_fix
    assert fix is not None
    assert fix.quoted
    assert kept.sources == (("C1", ts(2)),)


async def test_there_must_be_something_to_pin_or_unpin() -> None:
    nothing = await asked("pin the runbook", Record())
    assert isinstance(nothing, Reply)
    assert "no runbook" in nothing.markdown
    unpinned = await asked("unpin the runbook")
    assert isinstance(unpinned, Reply)
    assert "is not pinned" in unpinned.markdown
