"""The rows of a channel report, from a real database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.domain.documents import Chunk, Document
from ratchet.domain.errors import Transient
from ratchet.domain.messages import posted_at
from ratchet.domain.reports import ChannelFacts, Help
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.dispatch import Dispatch
from ratchet.reports.channel import channel_report
from ratchet.reports.channel_cases import Case, paired
from ratchet.store.channel_report import ChannelReports
from ratchet.store.documents import Documents
from ratchet.store.pool import Connection, Database
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, edited, reacted, said
from tests.integration.pipeline.pairing_story import NAMELESS, Story, stories
from tests.integration.reports.report_support import DAY, UNTIL, plans, recorded, rows_of, watched

TABLES = ("messages", "reactions", "tombstones", "parked_edits", "jobs", "channels")
VIEW = """
select pair_key, alert, service, priority, tool, open_ts, opened_at, close_ts, closed_at, firings, state, last_at,
       acknowledged_at
from incidents where channel_id = %s order by opened_at, open_ts
"""
KEEP = (
    "insert into runbooks (scope, service, alert, version, writer, evidence, content, author)"
    " values (%s, 'checkout', %s, 1, 'model', '', '{}', 'm')"
)
NOW = time.time()
FIX = "fixed by `kubectl -n shop rollout restart deploy/checkout`"


def alert(seconds: float, name: str = "HighErrorRate", *, channel: str = "C1", firing: bool = True) -> Raw:
    return alert_said(at(seconds), name, firing=firing) | {"channel": channel}


def as_viewed(case: Case) -> tuple[Any, ...]:
    i = case.incident
    return (
        i.pair_key, i.alert, i.service, i.priority, i.tool, i.open_ts, i.opened_at, i.close_ts, i.closed_at, i.firings,
        i.state, i.last_at, i.acknowledged_at,
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(NOW), days=st.sampled_from([0.5, 1.0, 2.0, 5.0, 30.0]))
async def test_the_incidents_of_any_story_are_those_of_the_view(
    database: Database, story: Story, days: float
) -> None:
    house = House(database, BuiltIn(NAMELESS))
    for table in TABLES:
        await house.rows(f"delete from {table}")
    await house.hear(*story.events)
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    await house.work_off(dispatch.run_message, "message")
    until = datetime.now(UTC)
    for channel in story.channels:
        rows = await rows_of(database, channel, visible_from=channel, days=days, until=until)
        cases = [case for case in paired(rows).cases if _asked_for(case, rows.before)]
        viewed = [
            row for row in await house.rows(VIEW, channel) if row[6] >= rows.before or row[10] == "open"
        ]
        assert sorted(map(as_viewed, cases), key=lambda row: (row[6], row[5])) == viewed


def _asked_for(case: Case, before: datetime) -> bool:
    return case.opened_at >= before or case.incident.state == "open"


async def test_the_figures_of_a_week_by_hand(house: House) -> None:
    fired = alert(9 * DAY)
    by_edit = edited(fired, at(9 * DAY + 600), attachments=alert(0, firing=False)["attachments"])
    await recorded(
        house,
        said(at(-DAY), "we begin to record"),
        alert(2 * DAY, "Gone"),  # the week before
        alert(2 * DAY + 60, "Gone", firing=False),
        fired,
        said(at(9 * DAY + 120), FIX, thread_ts=at(9 * DAY)),
        by_edit,
        alert(10 * DAY),  # heals itself in four minutes
        alert(10 * DAY + 240, firing=False),
        alert(13.9 * DAY, "New"),
        reacted(at(13.9 * DAY), "eyes", at(13.9 * DAY + 300)),
        said(at(11 * DAY), "how was your weekend?"),
        said(at(11 * DAY + 60), "fine", thread_ts=at(11 * DAY)),
    )
    report = channel_report(await rows_of(house.db))
    total = report.total
    assert (total.opens, total.closed, total.untriaged, total.untouched, total.self_healed) == (3, 2, 2, 1, 1)
    assert (total.tta_p50_s, total.ttr_p50_s) == (210.0, 420.0)
    assert [case.ts for case in report.still_open] == [at(13.9 * DAY)]
    assert [(one.alert, one.ts) for one in report.gone] == [("Gone", at(2 * DAY))]
    assert {one.alert for one in report.new} == {"HighErrorRate", "New"}
    assert [(one.alert, one.ts, one.fix) for one in report.learned] == [
        ("HighErrorRate", at(9 * DAY + 120), "kubectl -n shop rollout restart deploy/checkout")
    ]
    assert [line.helped for line in report.alerts] == [True, False]
    quality = report.quality
    assert (quality.messages, quality.by_people, quality.bot_messages, quality.unknown) == (7, 3, 4, 0)
    assert quality.compared


async def test_of_nothing_there_is_nothing(house: House) -> None:
    rows = await rows_of(house.db)
    assert (rows.steps, rows.replies, rows.reactions, rows.help) == ([], [], [], {})
    assert rows.facts == ChannelFacts(0, 0, 0, 0, 0, None)
    assert channel_report(rows).total.opens == 0


async def test_a_channel_of_bots_only_is_all_untouched(house: House) -> None:
    deploys = [
        alert(n * 3600.0)
        | {
            "ts": at(8 * DAY + 7 + n),
            "event_ts": at(8 * DAY + 7 + n),
            "text": "deployed 1.2",
            "attachments": [],
        }
        for n in range(3)
    ]
    fired = [alert(8 * DAY + n * DAY, firing=firing) for n in range(5) for firing in (True, False)]
    for number, raw in enumerate(fired):
        raw["ts"] = raw["event_ts"] = at(8 * DAY + number * 3600)
    await recorded(house, *fired, *deploys)
    report = channel_report(await rows_of(house.db))
    assert (report.total.opens, report.total.untouched_share, report.total.untriaged_share) == (5, 1.0, 1.0)
    assert [line.noise.cause for line in report.noise if line.noise] == ["never touched"]
    assert (report.quality.by_people, report.quality.bot_messages, report.quality.unknown) == (0, 13, 3)
    assert (report.learned, report.threads, report.coverage) == ((), (), 0.0)


async def test_a_private_channel_is_nothing_to_others(house: House) -> None:
    talk = said(at(9 * DAY + 60), FIX, thread_ts=at(9 * DAY), channel="G1")
    await recorded(house, alert(9 * DAY, channel="G1"), talk, kind="private")
    await recorded(house, alert(9 * DAY))
    await house.rows(KEEP, "G1", "HighErrorRate")
    outside = await rows_of(house.db, "G1", visible_from="C1")
    assert (outside.steps, outside.replies, outside.reactions, outside.help) == ([], [], [], {})
    assert outside.facts == ChannelFacts(0, 0, 0, 0, 0, None)
    assert (await rows_of(house.db, "G1", visible_from="")).steps == []
    inside = await rows_of(house.db, "G1", visible_from="G1")
    assert (len(inside.steps), len(inside.replies), inside.facts.messages) == (1, 1, 2)
    assert inside.help == {("checkout", "HighErrorRate"): Help(kept=True, triaged=True)}
    # What helped there is not known here.
    assert (await rows_of(house.db)).help == {("checkout", "HighErrorRate"): Help()}


async def test_what_is_known_of_an_alert_is_a_kept_runbook_a_document_or_triage(house: House) -> None:
    names = ("KeptAlert", "SaidAlert", "WrittenAlert", "UnknownAlert")
    await recorded(house, *(alert(9 * DAY + n * 60, name) for n, name in enumerate(names)))
    talk = said(at(60), "hm", thread_ts=at(0), channel="C2")
    await recorded(house, alert(0, "SaidAlert", channel="C2"), talk)
    await house.rows(KEEP, "", "KeptAlert")
    documents = Documents(house.db)
    await documents.begin("docs", "directory")
    text = "Restart it."
    await documents.put("docs", Document("written-alert.md", "b", "Written alert", text, (Chunk("", text),)))
    assert (await rows_of(house.db)).help == {
        ("checkout", "KeptAlert"): Help(kept=True),
        ("checkout", "SaidAlert"): Help(triaged=True),
        ("checkout", "WrittenAlert"): Help(documented=True),
        ("checkout", "UnknownAlert"): Help(),
    }


async def test_four_statements_make_the_rows_and_each_has_its_index(house: House) -> None:
    await recorded(house, alert(9 * DAY), said(at(9 * DAY + 60), FIX, thread_ts=at(9 * DAY)))
    database = watched(house.db)
    await rows_of(database)
    assert len(database.asked) == 4
    await ChannelReports(database).alerts_since(
        UNTIL - timedelta(days=7), visible_from="C1", service="checkout"
    )
    await ChannelReports(database).alerts_since(UNTIL - timedelta(days=7), visible_from="C1", channel_id="C1")
    for plan in await plans(house.db, database.asked):
        assert not [line for line in plan.splitlines() if "Seq Scan" in line], plan


async def test_alerts_are_counted_over_all_channels_that_may_be_seen(house: House) -> None:
    again = alert(3 * DAY)
    await recorded(
        house,
        alert(DAY),
        again,
        edited(again, at(3 * DAY + 60)),
        alert(2 * DAY, "Other"),
        alert(4 * DAY, channel="C2"),
    )
    await recorded(house, alert(5 * DAY, channel="G1"), kind="private")
    reports = ChannelReports(house.db)

    async def counted(visible_from: str, **more: Any) -> list[tuple[str, int, int]]:
        found = await reports.alerts_since(posted_at(at(0)), visible_from=visible_from, **more)
        return [(one.alert, one.firings, one.channels) for one in found]

    assert await counted("C1") == [("HighErrorRate", 3, 2), ("Other", 1, 1)]
    assert await counted("G1") == [("HighErrorRate", 4, 3), ("Other", 1, 1)]
    assert await counted("C1", channel_id="C2") == [("HighErrorRate", 1, 1)]
    assert await counted("C1", channel_id="G1") == []
    assert await counted("C1", service="CHECKOUT", limit=1) == [("HighErrorRate", 3, 2)]
    assert await counted("C1", service="nope") == []
    (first, _) = await reports.alerts_since(posted_at(at(2 * DAY)), visible_from="C1")
    assert (first.firings, first.first_at, first.last_at) == (
        2,
        posted_at(at(3 * DAY)),
        posted_at(at(4 * DAY)),
    )


@pytest.mark.parametrize("days", [1, 7, 90])
async def test_what_is_open_since_long_before_the_window_keeps_its_beginning(house: House, days: int) -> None:
    await recorded(house, *(alert(n * 20 * 3600.0) for n in range(17)), alert(13.5 * DAY, "Other"))
    report = channel_report(await rows_of(house.db, days=days))
    first = report.still_open[0]
    assert (first.ts, first.incident.firings) == (at(0), 17)


@dataclass(frozen=True)
class GoneAfterTheFirst(Database):
    """A server that goes away in the middle."""

    used: list[None] = field(default_factory=list)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        if self.used:
            raise Transient("the server went away")
        self.used.append(None)
        async with super().connection() as connection:
            yield connection


async def test_a_database_that_goes_away_in_the_middle_may_be_asked_again(database: Database) -> None:
    with pytest.raises(Transient):
        await rows_of(GoneAfterTheFirst(database.conninfo, database.pool))
