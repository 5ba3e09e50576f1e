"""Threads for the list of gaps: scoped to who may see them, gone with their messages, from indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg.rows import scalar_row

from ratchet.domain.messages import MessageRef, posted_at
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import help_threads
from ratchet.store.help_threads import HelpThreads
from ratchet.store.pool import Database
from ratchet.tools.base import PUBLIC
from ratchet.tools.doc_gaps import read_gaps
from tests.integration.documents.support import CONTEXT, Counting, Library
from tests.integration.pipeline.house import House, at, deleted, reacted, said

SINCE, UNTIL = posted_at(at(-10)), posted_at(at(10_000))
OPEN = "update channels set kind = 'public', name = 'help' where id = 'C1'"
ASKED, TOLD = "How do I run Kafka on my laptop?", "`make kafka-up` in the devstack repository"


async def town(database: Database) -> House:
    """A question with an answer and thanks, in a public and in a private channel."""
    house = House(database)
    for channel in ("C1", "C2"):
        await house.hear(
            said(at(0), ASKED, channel=channel, user="UANA"),
            said(at(5), TOLD, thread_ts=at(0), channel=channel, user="UBO"),
            said(at(9), "lunch", channel=channel),
        )
    await house.rows(OPEN)
    return house


async def test_a_private_channel_stays_within_itself(database: Database) -> None:
    await town(database)
    reader = HelpThreads(database)
    window = {"since": SINCE, "until": UNTIL}
    everywhere = await reader.help_rows(None, visible_from=PUBLIC, **window)
    assert {one.root.channel_id for one in everywhere.threads} == {"C1"}
    assert (await reader.help_rows(["C2"], visible_from="C1", **window)).threads == []
    inside = await reader.help_rows(["C2"], visible_from="C2", **window)
    assert [len(one.replies) for one in inside.threads] == [0, 1]
    assert everywhere.channels == {"C1": "help"}


async def test_what_a_document_says_is_documented(database: Database, tmp_path: Path) -> None:
    house, library = await town(database), Library(database, tmp_path)
    library.write("how-to/kafka.md", f"# Kafka\n\n{ASKED}\n{TOLD}\n")
    await library.refresher.refresh("docs")
    before, _ = await read_gaps(HelpThreads(database), ["C1"], "C1", (SINCE, UNTIL))
    assert (before.questions, before.documented) == (1, 0)
    await Embed(database, Counting()).run(EmbedJob(), CONTEXT)
    after, _ = await read_gaps(HelpThreads(database), ["C1"], "C1", (SINCE, UNTIL))
    assert (after.questions, after.documented) == (1, 1)
    await house.hear(reacted(at(5), "white_check_mark", at(20)))
    [thread] = [
        one
        for one in (
            await HelpThreads(database).help_rows(["C1"], visible_from="C1", since=SINCE, until=UNTIL)
        ).threads
        if one.replies
    ]
    assert thread.replies[0].reactions == {"white_check_mark": ["U1"]}


async def test_an_answer_that_links_a_page_is_recognised(database: Database, tmp_path: Path) -> None:
    library = Library(database, tmp_path)
    library.write("how-to/kafka.md", "# Kafka\n\nStart it.\n")
    library.write("README.md", "# All\n")
    await library.refresher.refresh("docs")
    link = "https://git.example.com/docs/blob/main/how-to/kafka.md#start"
    other = "https://git.example.com/else/README.md"
    found = await HelpThreads(database).compared([], [link, other])
    assert {address: page.path for address, page in found.linked.items()} == {link: "how-to/kafka.md"}


async def test_a_deleted_message_leaves_the_list(database: Database) -> None:
    house = await town(database)
    await house.hear(deleted(at(0), at(30)))
    report, rows = await read_gaps(HelpThreads(database), ["C1"], "C1", (SINCE, UNTIL))
    assert (report.questions, len(rows.threads)) == (0, 1)
    assert await HelpThreads(database).help_thread(MessageRef("C1", at(0))) is None


async def test_one_thread_is_read_by_its_root(database: Database) -> None:
    await town(database)
    found = await HelpThreads(database).help_thread(MessageRef("C1", at(0)))
    assert found is not None
    assert (found.root.text, [one.author for one in found.replies]) == (ASKED, ["UBO"])


FILL = """
insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
select 'C' || n %% 20, (1700000000 + n)::text || '.000000',
       case when n %% 3 > 0 then (1700000000 + n - n %% 3)::text || '.000000' end,
       to_timestamp(1700000000 + n), '1', 'text', '\\x00', '{"sender": {"kind": "person", "id": "U1"}}', ''
from generate_series(1, 40000) n
"""


@pytest.mark.parametrize("statement", ["ROOTS", "REPLIES"])
async def test_threads_are_read_from_indexes(database: Database, statement: str) -> None:
    values: dict[str, Any] = {
        "channels": ["C3", "C4"],
        "ts": ["1700000003.000000", "1700000024.000000"],
        "since": "1700030000.000000",
        "until": "1700031000.000000",
        "limit": 100,
        "chars": 100,
        "per_thread": 30,
    }
    async with database.transaction() as conn, conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(FILL.replace("%%", "%").encode())
        await cur.execute("analyze messages")
        query = f"explain {getattr(help_threads, statement)}"
        await cur.execute(query.encode(), values)
        plan = "\n".join(await cur.fetchall())
    assert "Seq Scan on messages" not in plan
    assert "messages_pkey" in plan or "messages_thread" in plan
