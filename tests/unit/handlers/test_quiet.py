"""`@ratchet be quiet`: what is a request, what it does, and what a quiet channel still gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.channels import Manners
from ratchet.domain.documents import DocumentHit, Passage
from ratchet.domain.effects import Effect, Footer, Post, Reply, SetManners
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Channel, Message, MessageRef, Sender, SenderKind, posted_at
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.handlers.evidence import Gather
from ratchet.handlers.mentions import asked_quiet
from ratchet.handlers.quiet import Quiet
from ratchet.handlers.runbook import RunbookHandler, RunbookRequest, RunbookTeller
from ratchet.handlers.runbook_writer import RunbookWriter
from ratchet.handlers.storm import StormLimits
from ratchet.tools.base import WorkspaceLinks
from ratchet.tools.testing import MemoryRecord

ME = "U0ME"
OPS = Channel("C1", "ops")
TS = "1800000000.000000"
NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
LINKS = WorkspaceLinks("https://team.slack.com/")
DAY = timedelta(hours=24)


def said(text: str, channel: Channel = OPS, *, kind: SenderKind = "person", version: str = TS) -> Trigger:
    return Trigger(Message(channel.id, TS, Sender(kind, "U1"), text, version), channel, ME)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("quiet for 2h", timedelta(hours=2)),
        ("quiet for 30 minutes.", timedelta(minutes=30)),
        ("please be quiet for an hour", timedelta(hours=1)),
        ("Be Quiet for 3d, please!", timedelta(days=3)),
        ("be quiet", DAY),
        ("stay quiet please", DAY),
        ("quiet!", DAY),
        ("speak again", timedelta()),
        ("you may speak again.", timedelta()),
        ("please talk again", timedelta()),
    ],
)
def test_a_request_for_quiet_is_for_its_own_handler_and_not_for_the_assistant(
    text: str, wanted: timedelta
) -> None:
    for mentioning in (f"<@{ME}> {text}", f"<@{ME}|ratchet>: {text}", f"{text} <@{ME}>"):
        assert asked_quiet(mentioning, ME) == wanted
        assert Quiet().wants(said(mentioning))
        assert not Assistant(MemoryRecord([OPS], []), LINKS).wants(said(mentioning))


@pytest.mark.parametrize(
    "text",
    [
        "why is it so quiet?",
        "be quiet?",
        "quiet for how long?",
        "quiet for 2 fortnights",
        "quiet for 0h",
        "be quiet for now",
        "do not be quiet",
        "don't speak again",
        "be quiet about the deploy",
        "who said be quiet",
        "be quiet\nfor 2h",
        "quiet for 2h30m",
        "when does checkout speak again?",
        "> be quiet",
    ],
)
def test_anything_else_about_quiet_is_a_question_for_the_assistant(text: str) -> None:
    asked = said(f"<@{ME}> {text}")
    assert not Quiet().wants(asked)
    assert Assistant(MemoryRecord([OPS], []), LINKS).wants(asked)


@given(st.text())
def test_no_question_mark_is_ever_a_request(text: str) -> None:
    assert asked_quiet(f"<@{ME}> be quiet{text}?", ME) is None
    assert asked_quiet(f"<@{ME}> {text} quiet {text}?", ME) is None


def test_only_a_person_who_mentions_it_where_it_may_speak_is_heard() -> None:
    asked = f"<@{ME}> be quiet"
    assert not Quiet().wants(said("be quiet"))
    assert not Quiet().wants(said(f"`{asked}`"))
    assert not Quiet().wants(said(asked, kind="bot"))
    assert not Quiet().wants(said(asked, replace(OPS, mode="off")))
    assert not Quiet().wants(said(asked, replace(OPS, external=True)))
    assert Quiet().wants(said(asked, replace(OPS, external=True, manners=Manners(external_allowed=True))))


async def test_it_is_quiet_in_that_channel_from_when_it_was_said_and_tells_how_to_undo_it() -> None:
    assert await Quiet().handle(said(f"<@{ME}> quiet for 2h")) == [
        SetManners("C1", {"quiet_until": NOW + timedelta(hours=2)}),
        Reply(
            "C1",
            TS,
            "Quiet in this channel for 2 h, until 2027-01-15 10:00 UTC: no runbooks and no notes unless somebody"
            " asks me. To undo, mention me with `speak again`.",
            Footer("quiet"),
        ),
    ]


async def test_an_edit_counts_from_the_edit() -> None:
    edited = said(f"<@{ME}> be quiet", version="1800000600.000000")
    [change, _] = await Quiet().handle(edited)
    assert change == SetManners("C1", {"quiet_until": NOW + timedelta(minutes=10) + DAY})


async def test_speaking_again_promises_no_more_than_the_operator_allows() -> None:
    asked = f"<@{ME}> speak again"
    change, reply = await Quiet().handle(said(asked))
    assert change == SetManners("C1", {"quiet_until": None})
    assert isinstance(reply, Reply)
    assert reply.markdown == "I speak again in this channel."
    _, reply = await Quiet().handle(said(asked, replace(OPS, manners=Manners(runbooks=False, storms=False))))
    assert isinstance(reply, Reply)
    assert reply.markdown.endswith("Still switched off: runbooks, summaries of storms.")


@dataclass
class Opened:
    """An open, as history and storms know it."""

    ts: str
    alert: str | None = "DiskFull"
    service: str | None = "checkout"
    action: str = Action.OPEN

    @property
    def happened_at(self) -> datetime:
        return posted_at(self.ts)


@dataclass
class Past:
    """Everything a runbook handler reads: one written page, and openings before."""

    before: Sequence[Opened] = ()
    storm: Sequence[Opened] = field(default_factory=list)

    async def firings(
        self,
        service: str | None,
        alert: str,
        before: datetime,
        visible_from: str,
        *,
        other_services: bool = False,
        limit: int = 100,
    ) -> Sequence[Firing]:
        return []

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]:
        return {}

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[Opened]:
        return self.before

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        return []

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        return set()

    async def naming(self, alert: str, service: str | None = None) -> DocumentHit | None:
        page = (Passage("", "Run `prune`.", 1.0),)
        return DocumentHit("d", "docs", "disk.md", "DiskFull", "", "https://docs.example/disk", page, 1.0)

    async def opens(self, channel_id: str, since: datetime, until: datetime) -> Sequence[Opened]:
        return self.storm

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        return {}


@dataclass
class Firing:
    ref: MessageRef
    service: str | None
    happened_at: datetime


NEW = Past()
AGAIN = Past(before=[Opened("1799999900.000000")])
STORM = Past(storm=[Opened(f"{1_799_999_990 + n}.000000") for n in range(10)])


async def alerted(past: Past, manners: Manners, version: str = TS) -> Sequence[Effect]:
    writer = RunbookWriter(Gather(past, past, past))
    handler = RunbookHandler(writer, RunbookTeller(past, LINKS), past, StormLimits(alerts=5))
    channel = replace(OPS, manners=manners)
    message = Message("C1", TS, Sender("bot", "B1"), "[FIRING:1] DiskFull", version)
    opening = IncidentAction(Action.OPEN, alert="DiskFull", service="checkout", pair_key="k")
    return await handler.handle(Trigger(message, channel, ME, opening))


@pytest.mark.parametrize(
    ("past", "held"),
    [
        (NEW, Manners(runbooks=False)),
        (AGAIN, Manners(repeats=False)),
        (STORM, Manners(storms=False)),
    ],
)
async def test_each_setting_holds_back_its_own_kind_and_nothing_takes_its_place(
    past: Past, held: Manners
) -> None:
    assert len(await alerted(past, Manners())) == 1
    assert await alerted(past, held) == []
    others = Manners(not held.runbooks, not held.repeats, not held.storms)
    assert len(await alerted(past, others)) == 1


async def test_the_three_kinds_are_what_they_are_called() -> None:
    [runbook], [line], [storm] = [await alerted(past, Manners()) for past in (NEW, AGAIN, STORM)]
    assert isinstance(runbook, Reply)
    assert "Run `prune`." in runbook.markdown
    assert isinstance(line, Reply)
    assert line.markdown.startswith("Still open")
    assert isinstance(storm, Post)


@pytest.mark.parametrize("past", [NEW, AGAIN, STORM])
async def test_in_quiet_nothing_is_said_until_it_is_over(past: Past) -> None:
    assert await alerted(past, Manners(quiet_until=NOW + timedelta(seconds=1))) == []
    assert len(await alerted(past, Manners(quiet_until=NOW))) == 1


async def test_an_edit_that_makes_an_alert_after_the_quiet_is_answered() -> None:
    over = Manners(quiet_until=NOW + timedelta(minutes=5))
    assert len(await alerted(NEW, over, version="1800000600.000000")) == 1


@pytest.mark.parametrize(
    "manners", [Manners(quiet_until=NOW + DAY), Manners(runbooks=False, repeats=False, storms=False)]
)
async def test_being_quiet_silences_no_answer_to_somebody_who_asks(manners: Manners) -> None:
    quiet, past = replace(OPS, manners=manners), Past()
    asked = said(f"<@{ME}> runbook for checkout/DiskFull", quiet)
    request = RunbookRequest(RunbookWriter(Gather(past, past, past)), RunbookTeller(past, LINKS))
    assert request.wants(asked)
    [reply] = await request.handle(asked)
    assert isinstance(reply, Reply)
    assert "Run `prune`." in reply.markdown
    assert Assistant(MemoryRecord([quiet], []), LINKS).wants(said(f"<@{ME}> what is open?", quiet))
    assert Quiet().wants(said(f"<@{ME}> speak again", quiet))
