"""The built-in tools on a record in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ratchet.domain.errors import Refused
from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message, MessageRef, Sender, SenderKind
from ratchet.tools import builtin
from ratchet.tools.asking import Asking, only_asks
from ratchet.tools.base import RecordReader, ToolDeps, WorkspaceLinks, reference, the_channel
from ratchet.tools.channel_report import ChannelReportTool
from ratchet.tools.incidents import IncidentsTool
from ratchet.tools.list_alerts import ListAlertsTool
from ratchet.tools.read_thread import MESSAGES, ReadThreadTool
from ratchet.tools.search_messages import SearchMessagesTool
from ratchet.tools.testing import MemoryRecord
from ratchet.tools.usage_report import UsageReportTool

OPS, SECRET = Channel("C0OPS", "ops"), Channel("G0SEC", "security", kind="private")
NOW = datetime(2023, 11, 15, tzinfo=UTC)
ROOT = "1700000000.000100"


def said(
    ts: str, text: str, kind: SenderKind = "person", channel: str = "C0OPS", parent: str | None = None
) -> Message:
    return Message(channel, ts, Sender(kind, "U0BO", "Bo"), text, version=ts, parent_ts=parent)


ALERT = said(ROOT, "DiskFull firing", "bot")
REPLIES = [said(f"17000001{n:02}.000100", f"step {n}", parent=ROOT) for n in range(40)]
PRIVATE = said("1700000300.000100", "DiskFull password", channel="G0SEC")


def incident(hours_ago: float, minutes: float | None, **changes: Any) -> Incident:
    opened = NOW - timedelta(hours=hours_ago)
    base = Incident(
        "C0OPS", "k", "DiskFull", "checkout", "HIGH", "alertmanager", f"{opened.timestamp():.6f}", opened,
        None, opened + timedelta(minutes=minutes) if minutes else None, 2, "closed" if minutes else "open", opened, None,
    )  # fmt: skip
    return replace(base, **changes)


RECORD = MemoryRecord(
    [OPS, SECRET],
    [ALERT, *REPLIES, PRIVATE],
    [incident(2, 30), incident(1, None), incident(3, 5, alert="Other"), incident(4, 5, channel_id="G0SEC")],
)
READER: RecordReader = RECORD
DEPS = ToolDeps(READER, WorkspaceLinks("https://team.slack.com"), lambda: NOW)


def test_the_list_is_ordered_and_named() -> None:
    assert [tool.name for tool in builtin(DEPS, "C0OPS")] == [
        "search_messages", "read_thread", "incidents", "list_alerts", "channel_report", "usage_report",
    ]  # fmt: skip


def test_every_tool_explains_itself_and_its_arguments() -> None:
    for tool in builtin(DEPS, "C0OPS"):
        doc = tool.run.__doc__ or ""
        names = set(tool.run.__annotations__) - {"return"}
        assert all(f"{name}: " in doc for name in names), tool.name


async def test_search_gives_small_results_with_permalinks() -> None:
    result = await SearchMessagesTool(DEPS, "C0OPS").search_messages("DiskFull")
    (hit,) = result.messages
    assert (hit.id, hit.channel, hit.author, hit.time) == (
        f"C0OPS:{ROOT}",
        "#ops",
        "Bo",
        "2023-11-14 22:13 UTC",
    )
    assert hit.permalink == "https://team.slack.com/archives/C0OPS/p1700000000000100"


async def test_search_sees_a_private_channel_only_from_within() -> None:
    inside = await SearchMessagesTool(DEPS, "G0SEC").search_messages("DiskFull")
    assert {hit.channel for hit in inside.messages} == {"#ops", "#security"}
    with pytest.raises(Refused, match="no channel"):
        await SearchMessagesTool(DEPS, "C0OPS").search_messages("DiskFull", channel="security")


async def test_search_leaves_out_the_question_and_what_only_asks_ratchet() -> None:
    question = said("1700000500.000100", "<@U0ME> why DiskFull?")
    earlier = [said(f"17000004{n:02}.000100", f"<@U0ME> why DiskFull {n}?") for n in range(9)]
    told = said("1700000450.000100", "<@U0ME> DiskFull was the log volume")
    record = MemoryRecord([OPS], [ALERT, *earlier, told, question])
    tool = SearchMessagesTool(replace(DEPS, reader=record), "C0OPS", Asking(question, "U0ME"))
    result = await tool.search_messages("DiskFull", limit=2)
    assert [hit.id for hit in result.messages] == [str(told.ref), str(ALERT.ref)]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("<@U0ME> did this happen before, and what helped?", True),
        ("hey <@U0ME|ratchet>, what is it", True),
        ("why does the upload fail <@U0ME>?", True),
        ("<@U0ME> the report of this week, please", True),
        ("<@U0ME>", True),
        ("<@U0ME> the log volume was full, so I pruned it", False),
        ("<@U0ME> is it `logrotate -f`?", False),
        ("<@U0ME> is it https://wiki.example/disk?", False),
        ("I asked <@U0ME> why and it did not know?", False),
        ("<@U0BO> why does the upload fail?", False),
        ("why does the upload fail?", False),
    ],
)
def test_what_only_asks_ratchet(text: str, *, asks: bool) -> None:
    assert only_asks(said(ROOT, text), "U0ME") is asks
    assert not only_asks(said(ROOT, text, "bot"), "U0ME")


def test_in_a_direct_message_a_question_needs_no_mention() -> None:
    assert only_asks(said(ROOT, "why does the upload fail?", channel="D0BO"), "U0ME")


async def test_nothing_found_says_what_to_do() -> None:
    result = await SearchMessagesTool(DEPS, "C0OPS").search_messages("trombone")
    assert result.messages == ()
    assert "other or fewer words" in result.note


async def test_a_long_text_is_cut() -> None:
    record = MemoryRecord([OPS], [said(ROOT, "disk " * 1_000)])
    result = await SearchMessagesTool(replace(DEPS, reader=record), "C0OPS").search_messages("disk")
    assert len(result.messages[0].text) < 800


@pytest.mark.parametrize(
    "name",
    [
        f"C0OPS:{ROOT}",
        "C0OPS:1700000103.000100",
        "https://team.slack.com/archives/C0OPS/p1700000000000100?cid=C0OPS",
    ],
)
async def test_a_thread_is_read_by_any_of_its_messages(name: str) -> None:
    result = await ReadThreadTool(DEPS, "C0OPS").read_thread(name)
    assert len(result.messages) == MESSAGES
    assert result.messages[0].text == "DiskFull firing"
    assert result.messages[-1].text == "step 39"
    assert "first and the newest" in result.note


@pytest.mark.parametrize(
    "name", ["", "nonsense", "C0OPS", "G0SEC:1700000300.000100", "C0OPS:1700000999.000100"]
)
async def test_a_thread_that_is_not_there_or_not_visible_is_refused_alike(name: str) -> None:
    with pytest.raises(Refused):
        await ReadThreadTool(DEPS, "C0OPS").read_thread(name)


def test_references_are_read_from_ids_and_permalinks() -> None:
    assert reference(str(MessageRef("C0", "1700000000.000100"))) == MessageRef("C0", "1700000000.000100")
    assert reference("<https://t.slack.com/archives/C0/p1700000000000100|x>").ts == "1700000000.000100"


@pytest.mark.parametrize("name", ["ops", "#ops", "C0OPS", "<#C0OPS|ops>", " <#C0OPS> "])
async def test_a_channel_is_known_by_every_spelling(name: str) -> None:
    assert await the_channel(READER, name, "C0OPS") == OPS


async def test_incidents_are_listed_newest_first_and_filtered() -> None:
    tool = IncidentsTool(DEPS, "C0OPS")
    every = (await tool.incidents()).incidents
    assert [row.minutes for row in every] == [None, 30.0, 5.0]
    assert [row.alert for row in (await tool.incidents(alert="diskfull")).incidents] == [
        "DiskFull",
        "DiskFull",
    ]
    assert [row.closed_at for row in (await tool.incidents(state="open")).incidents] == [None]
    assert (await tool.incidents(service="nope")).note == "No such incident in the last 30 days."


async def test_the_report_links_what_it_names_and_shows_threads() -> None:
    fired = incident(1, None, open_ts=ROOT, opened_at=ALERT.posted_at, pair_key="k2")
    record = replace(RECORD, incidents=[fired, *RECORD.incidents])
    result = await ChannelReportTool(replace(DEPS, reader=record), "C0OPS").channel_report()
    assert result.channel == "#ops"
    assert "**4 incidents** in 7 days" in result.markdown
    (thread,) = result.threads
    assert (thread.alert, thread.replies[0], len(thread.replies)) == ("DiskFull", "+2 min: step 0", 7)
    assert thread.replies[-1] == "(34 replies in the middle are left out)"
    assert thread.permalink in result.permalinks
    assert all(link in result.markdown for link in result.permalinks if link != thread.permalink)


async def test_alerts_are_listed_by_how_often_they_fired_and_filtered() -> None:
    tool = ListAlertsTool(DEPS, "C0OPS")
    assert [(row.alert, row.service, row.firings) for row in (await tool.list_alerts()).alerts] == [
        ("DiskFull", "checkout", 4),
        ("Other", "checkout", 2),
    ]
    assert (await tool.list_alerts(service="nope", days=3)).note == "No such alert fired in the last 3 days."
    with pytest.raises(Refused):
        await tool.list_alerts(channel="#security")
    inside = await ListAlertsTool(DEPS, "G0SEC").list_alerts(channel="#security")
    assert [(row.alert, row.firings) for row in inside.alerts] == [("DiskFull", 2)]


async def test_usage_is_reported_in_words() -> None:
    assert (await UsageReportTool(DEPS, "C0OPS").usage_report()).markdown.startswith(
        "Ratchet said nothing in 7 days"
    )


async def test_the_report_of_an_invisible_channel_is_refused() -> None:
    with pytest.raises(Refused):
        await ChannelReportTool(DEPS, "C0OPS").channel_report("#security")
