"""A firing alert gets one runbook, from what people did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ratchet.domain.effects import Reply
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Channel, Message, MessageRef, Sender, posted_at
from ratchet.handlers.base import Trigger
from ratchet.handlers.runbook import RunbookHandler, RunbookWriter, duration
from ratchet.tools.base import WorkspaceLinks

START = 1_700_000_000
LINKS = WorkspaceLinks("https://team.slack.com/")
ALERT = "HighErrorRate"


def ts(minutes: float) -> str:
    return f"{START + int(minutes * 60)}.000100"


@dataclass
class Event:
    ts: str
    action: str

    @property
    def happened_at(self) -> datetime:
        return posted_at(self.ts)


@dataclass
class Firing:
    ref: MessageRef
    service: str | None = "checkout"

    @property
    def happened_at(self) -> datetime:
        return posted_at(self.ref.ts)


@dataclass
class Record:
    """The store's answers, from lists."""

    opens: list[Firing] = field(default_factory=list)
    others: list[Firing] = field(default_factory=list)
    closes: dict[MessageRef, datetime | None] = field(default_factory=dict)
    replies: list[Message] = field(default_factory=list)
    pairs: list[Event] = field(default_factory=list)

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
        return self.others if other_services else self.opens

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]:
        return {ref: self.closes.get(ref) for ref in refs}

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[Event]:
        return sorted(self.pairs, key=lambda e: e.ts, reverse=True)

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        return [m for m in self.replies if MessageRef(m.channel_id, m.thread_ts) in roots]

    async def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        return {"U1": "Ana", "U2": "Bo"}


def trigger(minutes: float = 100_000, service: str | None = "checkout") -> Trigger:
    message = Message("C1", ts(minutes), Sender("bot", "B1", "Alertmanager"), "[FIRING:1]", ts(minutes))
    incident = IncidentAction(Action.OPEN, alert=ALERT, service=service, priority="HIGH", pair_key="k")
    return Trigger(message, Channel("C1", "ops"), "UME", incident)


def triaged(text: str, *, minutes: float = 0) -> Record:
    root = MessageRef("C1", ts(minutes))
    reply = Message("C1", ts(minutes + 2), Sender("person", "U1"), text, ts(minutes + 2), parent_ts=root.ts)
    return Record([Firing(root)], closes={root: posted_at(ts(minutes + 20))}, replies=[reply])


async def run(record: Record, at: Trigger | None = None) -> list[Reply]:
    handler = RunbookHandler(RunbookWriter(record, record), record, LINKS)
    effects = await handler.handle(at or trigger())
    assert all(isinstance(effect, Reply) for effect in effects)
    return [effect for effect in effects if isinstance(effect, Reply)]


async def test_the_reply_quotes_what_fixed_it_and_links_the_message() -> None:
    [reply] = await run(triaged("fixed by `kubectl rollout restart deploy/checkout`, thanks <@U2>"))
    assert reply.thread_ts == ts(100_000)
    assert "> fixed by `kubectl rollout restart deploy/checkout`, thanks @Bo" in reply.markdown
    assert (
        f"[Ana, 14 Nov 2023](https://team.slack.com/archives/C1/p{ts(2).replace('.', '')}" in reply.markdown
    )
    assert "fired once before" in reply.markdown
    assert "usually over after 20 min" in reply.markdown


async def test_without_earlier_triage_it_says_nothing() -> None:
    assert await run(Record()) == []
    assert await run(triaged("looking")) == []


async def test_triage_of_another_service_is_used_and_named() -> None:
    record = triaged("rolled back with `deploy rollback`")
    record.opens, record.others = [], [Firing(record.opens[0].ref, "payments")]
    [reply] = await run(record)
    assert "this is from payments" in reply.markdown


async def test_a_repeat_of_an_open_alert_gets_one_line_with_the_earlier_thread() -> None:
    record = triaged("`fix`ed it")
    record.pairs = [Event(ts(99_800), Action.OPEN)]
    [reply] = await run(record)
    assert reply.markdown.startswith("Still open – [first seen 3 h 20 min ago")
    assert f"p{ts(99_800).replace('.', '')}" in reply.markdown


async def test_an_alert_that_closed_and_fires_again_within_the_hour_flaps() -> None:
    record = triaged("`fix`ed it")
    record.pairs = [Event(ts(99_900), Action.OPEN), Event(ts(99_990), Action.CLOSE)]
    [reply] = await run(record)
    assert reply.markdown.startswith("It flaps")


async def test_an_alert_that_closed_long_ago_gets_its_runbook_again() -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    record.pairs = [Event(ts(10), Action.OPEN), Event(ts(20), Action.CLOSE)]
    [reply] = await run(record)
    assert "What fixed it last time" in reply.markdown


async def test_an_alert_that_never_resolves_gets_its_runbook_again_after_a_day_of_silence() -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    record.pairs = [Event(ts(100_000 - 40 * 24 * 60), Action.OPEN)]
    [reply] = await run(record)
    assert "What fixed it last time" in reply.markdown


async def test_a_repeat_points_to_where_the_incident_began() -> None:
    record = triaged("`fix`ed it")
    record.pairs = [Event(ts(100_000 - hours * 60), Action.OPEN) for hours in (4, 8, 12)]
    [reply] = await run(record)
    assert "first seen 12 h ago" in reply.markdown


async def test_a_long_quote_is_cut_and_its_code_block_closed() -> None:
    [reply] = await run(triaged("fixed: ```\n" + "kubectl get pods\n" * 100 + "```"))
    assert len(reply.markdown) < 1500
    assert reply.markdown.count("```") % 2 == 0


def test_only_an_opening_message_with_a_name_is_wanted() -> None:
    handler = RunbookHandler(RunbookWriter(Record(), Record()), Record(), LINKS)
    assert handler.wants(trigger())
    unnamed = IncidentAction(Action.OPEN, alert=None)
    assert not handler.wants(Trigger(trigger().message, Channel("C1", "ops"), "UME", unnamed))
    closing = IncidentAction(Action.CLOSE, alert=ALERT)
    assert not handler.wants(Trigger(trigger().message, Channel("C1", "ops"), "UME", closing))


def test_durations_are_readable() -> None:
    assert [duration(s) for s in (45, 720, 12_000, 7200, 200_000)] == [
        "45 s", "12 min", "3 h 20 min", "2 h", "2 d",
    ]  # fmt: skip
