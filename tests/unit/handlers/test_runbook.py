"""A firing alert gets one runbook, from what people did before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from ratchet.domain.documents import DocumentHit, Passage
from ratchet.domain.effects import Post, Reply
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Channel, Message, MessageRef, Sender, posted_at
from ratchet.handlers.base import Trigger
from ratchet.handlers.citations import Known, clean
from ratchet.handlers.evidence import Gather
from ratchet.handlers.runbook import RunbookHandler, RunbookRequest, RunbookTeller, ToldRunbooks
from ratchet.handlers.runbook_text import duration
from ratchet.handlers.runbook_writer import RunbookWriter
from ratchet.handlers.storm import StormLimits
from ratchet.tools.base import WorkspaceLinks
from ratchet.tools.runbook import RunbookTool

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
class Open:
    ts: str
    alert: str | None = ALERT
    service: str | None = "checkout"

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

    fired: list[Firing] = field(default_factory=list)
    others: list[Firing] = field(default_factory=list)
    closes: dict[MessageRef, datetime | None] = field(default_factory=dict)
    replies: list[Message] = field(default_factory=list)
    pairs: list[Event] = field(default_factory=list)
    recent: list[Open] = field(default_factory=list)
    document: DocumentHit | None = None

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
        return self.others if other_services else self.fired

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]:
        return {ref: self.closes.get(ref) for ref in refs}

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[Event]:
        return sorted(self.pairs, key=lambda e: e.ts, reverse=True)

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        return [m for m in self.replies if MessageRef(m.channel_id, m.thread_ts) in roots]

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        return {MessageRef(m.channel_id, m.thread_ts) for m in self.replies} & set(roots)

    async def naming(self, alert: str, service: str | None = None) -> DocumentHit | None:
        return self.document

    async def opens(self, channel_id: str, since: datetime, until: datetime) -> Sequence[Open]:
        return [one for one in self.recent if since <= one.happened_at <= until]

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
    handler = RunbookHandler(
        RunbookWriter(Gather(record, record, record)), RunbookTeller(record, LINKS), record
    )
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
    assert "fired once, on 14 Nov 2023" in reply.markdown
    assert "usually over after 20 min" in reply.markdown


async def test_without_earlier_triage_it_says_nothing() -> None:
    assert await run(Record()) == []
    assert await run(triaged("looking")) == []


async def test_triage_of_another_service_is_used_and_named() -> None:
    record = triaged("rolled back with `deploy rollback`")
    record.fired, record.others = [], [Firing(record.fired[0].ref, "payments")]
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


async def test_what_helped_a_moment_ago_is_said_when_it_fires_again_and_then_it_only_flaps() -> None:
    record = triaged("fixed by `systemctl restart checkout`", minutes=99_900)
    record.pairs = [Event(ts(99_900), Action.OPEN), Event(ts(99_990), Action.CLOSE)]
    [reply] = await run(record)
    assert "> fixed by `systemctl restart checkout`" in reply.markdown
    record.pairs += [Event(ts(99_995), Action.OPEN), Event(ts(99_998), Action.CLOSE)]
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


async def test_an_alert_without_a_name_gets_no_runbook() -> None:
    unnamed = IncidentAction(Action.OPEN, alert=None)
    assert await run(triaged("`fix`"), Trigger(trigger().message, Channel("C1", "ops"), "UME", unnamed)) == []


PAGE = DocumentHit(
    "docs/runbooks/high-error-rate.md",
    "docs",
    "runbooks/high-error-rate.md",
    "High error rate",
    "What to do",
    "https://docs.example/high-error-rate",
    (Passage("What to do", "1. Look at `kubectl get pods`\n2. Roll back", 1.0),),
    1.0,
)


async def test_the_first_firing_shows_the_written_page() -> None:
    [reply] = await run(Record(document=PAGE))
    assert "I have not seen it fire before" in reply.markdown
    assert (
        "### The written runbook: [High error rate](https://docs.example/high-error-rate)" in reply.markdown
    )
    assert "> **What to do**" in reply.markdown
    assert "> 2. Roll back" in reply.markdown


async def test_beside_a_written_page_it_says_how_often_it_fired_though_nobody_wrote_anything() -> None:
    record = triaged("looking")
    record.document = PAGE
    [reply] = await run(record)
    assert "fired once, on 14 Nov 2023; usually over after 20 min" in reply.markdown
    assert "not seen it fire" not in reply.markdown


async def test_asked_for_an_alert_of_any_service_it_counts_the_firings_on_all() -> None:
    record = triaged("fixed by `rollback`")
    record.fired, record.others = [], [Firing(record.fired[0].ref, "payments")]
    [reply] = await run(record, trigger(service=None))
    assert "fired once, on 14 Nov 2023" in reply.markdown
    assert "This is from payments" in reply.markdown
    assert "this service" not in reply.markdown


async def test_what_a_tool_may_link_is_what_the_words_link() -> None:
    record = triaged("fixed by `rollback`")
    record.document = PAGE
    writer = RunbookWriter(Gather(record, record, record))
    told = ToldRunbooks(writer, RunbookTeller(record, LINKS), lambda: posted_at(ts(100_000)))
    [shown] = [await told.told("checkout", ALERT)]
    assert shown is not None
    in_words = re.findall(r"\]\((https://[^)]+)\)", shown.markdown)
    assert len(in_words) == 2
    assert set(in_words) == set(shown.links)
    tool = RunbookTool(told, "C1")
    result = await tool.runbook(ALERT, "checkout")
    assert clean(result.markdown, Known(permalinks=frozenset(result.permalinks))) == result.markdown


async def test_of_the_written_page_what_to_do_is_shown_and_not_why_the_alert_exists() -> None:
    passages = (
        Passage("", "Fires when orders wait. See `HighErrorRate`.", 1.0),
        Passage("Look first", "```\nkubectl get pods\n```", 1.0),
        Passage("Then", "1. Scale up\n" + "x" * 3000, 1.0),
    )
    [reply] = await run(Record(document=replace(PAGE, passages=passages)))
    assert "Fires when" not in reply.markdown
    assert reply.markdown.index("> **Look first**") < reply.markdown.index("> 1. Scale up")
    assert len(reply.markdown) < 2000


async def test_what_people_did_comes_before_the_written_page() -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    record.document = PAGE
    [reply] = await run(record)
    assert reply.markdown.index("systemctl") < reply.markdown.index("**Written runbook:** [High error rate]")
    assert "Roll back" not in reply.markdown


async def test_a_storm_gets_one_summary_and_no_runbooks() -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    record.recent = [Open(ts(99_990 + n / 2)) for n in range(12)] + [Open(ts(100_000))]
    handler = RunbookHandler(
        RunbookWriter(Gather(record, record)), RunbookTeller(record, LINKS), record, StormLimits(alerts=5)
    )
    first = await handler.handle(trigger())
    assert [type(effect) for effect in first] == [Post]
    assert first == await handler.handle(trigger())
    assert isinstance(first[0], Post)
    assert first[0].once == f"storm:C1:{ts(99_990)}"
    assert "**13 alerts in 10 min**" in first[0].markdown


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<@UME> runbook for checkout/HighErrorRate", True),
        ("<@UME> runbook HighErrorRate", True),
        ("<@UME> why is there a runbook for that?", False),
        ("runbook for checkout/HighErrorRate", False),
    ],
)
async def test_a_person_may_ask_for_a_runbook(text: str, wanted: bool) -> None:
    record = triaged("fixed by `systemctl restart checkout`")
    handler = RunbookRequest(RunbookWriter(Gather(record, record)), RunbookTeller(record, LINKS))
    question = Message("C1", ts(100_000), Sender("person", "U1"), text, ts(100_000))
    asked = Trigger(question, Channel("C1", "ops"), "UME")
    assert handler.wants(asked) is wanted
    if wanted:
        [reply] = await handler.handle(asked)
        assert isinstance(reply, Reply)
        assert "systemctl restart checkout" in reply.markdown


async def test_a_runbook_nobody_can_write_is_said_to_be_unknown() -> None:
    handler = RunbookRequest(RunbookWriter(Gather(Record(), Record())), RunbookTeller(Record(), LINKS))
    question = Message("C1", ts(1), Sender("person", "U1"), "<@UME> runbook for a/B", ts(1))
    [reply] = await handler.handle(Trigger(question, Channel("C1", "ops"), "UME"))
    assert isinstance(reply, Reply)
    assert "I know nothing about **B** on a" in reply.markdown


def test_only_an_opening_message_is_wanted() -> None:
    handler = RunbookHandler(
        RunbookWriter(Gather(Record(), Record())), RunbookTeller(Record(), LINKS), Record()
    )
    assert handler.wants(trigger())
    closing = IncidentAction(Action.CLOSE, alert=ALERT)
    assert not handler.wants(Trigger(trigger().message, Channel("C1", "ops"), "UME", closing))


def test_durations_are_readable() -> None:
    assert [duration(s) for s in (45, 720, 12_000, 7200, 200_000)] == [
        "45 s", "12 min", "3 h 20 min", "2 h", "2 d",
    ]  # fmt: skip
