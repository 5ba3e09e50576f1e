"""Vectors of messages: who gets one, when it is made anew, and that it goes with its message."""

from __future__ import annotations

from typing import Any

from psycopg.rows import tuple_row

from ratchet.domain.events import MessageDeleted, MessagePosted
from ratchet.domain.messages import Sender
from ratchet.jobs.base import Done, Outcome
from ratchet.jobs.queue import Queue
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.embed import Embed, embed_messages
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.pipeline.work import EmbedJob
from ratchet.store import message_vectors
from ratchet.store.pool import Database
from tests.integration.documents.support import CONTEXT, Counting
from tests.integration.store.search_support import PUBLIC, stamp

SAID = "the queue of the mailer is full again"
LATER = 1_000


def said(
    second: int, text: str, *, parent: int | None = None, bot: bool = False, edit: int = 0
) -> MessagePosted:
    """A message, or with `edit` a later version of it."""
    ts = stamp(second)
    return MessagePosted(
        channel_id=PUBLIC,
        channel_kind="public",
        ts=ts,
        parent_ts=None if parent is None else stamp(parent),
        sender=Sender("bot", "B0MON") if bot else Sender("person", "U0ANA"),
        payload={"text": text},
        version=stamp(second + edit),
        change=bool(edit),
    )


async def record(database: Database, *events: MessageEvent) -> None:
    await Intake(database, Queue(database.connection), BuiltIn()).record(events)


async def embed(database: Database, embedder: Counting) -> Outcome:
    return await Embed(database, embedder).run(EmbedJob(), CONTEXT)


async def rows(database: Database, query: str) -> list[Any]:
    async with database.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
        return await (await cur.execute(query.encode())).fetchall()


async def embedded(database: Database) -> list[str]:
    return [ts for (ts,) in await rows(database, "select ts from message_vectors order by ts")]


async def test_what_people_say_is_embedded_and_nothing_trivial_and_no_program(database: Database) -> None:
    embedder = Counting()
    await record(
        database,
        said(1, SAID),
        said(2, "thanks! :+1:", parent=1),
        said(3, "ノードを再起動しました"),
        said(4, "[FIRING:1] MailQueueFull (mailer critical)", bot=True),
    )
    assert await embed(database, embedder) == Done()
    assert await embedded(database) == [stamp(1), stamp(3)]
    assert sorted(embedder.texts) == sorted([SAID, "ノードを再起動しました"])
    assert await rows(database, "select from messages_to_embed") == []


async def test_a_reply_is_embedded_below_the_beginning_of_what_it_stands_under(database: Database) -> None:
    embedder = Counting()
    await record(
        database,
        said(1, "MailQueueFull\n" + "on the mailer " * 40, bot=True),
        said(2, "restarted the relay, it drains now", parent=1),
    )
    await embed(database, embedder)
    (text,) = embedder.texts
    above, _, below = text.partition("\n")
    assert above.startswith("MailQueueFull on the mailer")
    assert len(above) <= message_vectors.ROOT_CHARS
    assert below == "restarted the relay, it drains now"


async def test_unchanged_text_is_never_embedded_twice(database: Database) -> None:
    embedder = Counting()
    await record(database, said(1, SAID))
    await embed(database, embedder)
    await record(database, said(1, SAID, edit=LATER))
    await embed(database, embedder)
    assert embedder.texts == [SAID]
    assert await rows(database, "select from messages_to_embed") == []


async def test_an_edit_is_embedded_and_what_became_trivial_loses_its_vector(database: Database) -> None:
    embedder = Counting()
    await record(database, said(1, SAID), said(2, "the disk of the mailer is full"))
    await embed(database, embedder)
    await record(database, said(1, "the queue is empty again", edit=LATER), said(2, "never mind", edit=LATER))
    assert await embedded(database) == [stamp(1)]
    await embed(database, embedder)
    assert embedder.calls[-1] == ["the queue is empty again"]
    assert await embedded(database) == [stamp(1)]


async def test_a_deleted_message_leaves_no_vector_and_no_trace_in_those_of_its_replies(
    database: Database,
) -> None:
    embedder = Counting()
    reply = "restarted the relay, it drains now"
    await record(database, said(1, SAID), said(2, reply, parent=1))
    await embed(database, embedder)
    assert f"{SAID}\n{reply}" in embedder.texts
    await record(database, MessageDeleted(PUBLIC, stamp(1), stamp(LATER)))
    assert await embedded(database) == []
    await embed(database, embedder)
    assert embedder.calls[-1] == [reply]
    assert await embedded(database) == [stamp(2)]


async def test_an_edited_root_is_embedded_anew_above_its_replies(database: Database) -> None:
    embedder = Counting()
    reply = "restarted the relay, it drains now"
    await record(database, said(1, SAID), said(2, reply, parent=1))
    await embed(database, embedder)
    await record(database, said(1, "the password is hunter2, do not tell", edit=LATER))
    await record(database, said(1, "please look at the relay", edit=LATER + 1))
    await embed(database, embedder)
    assert sorted(embedder.calls[-1]) == ["please look at the relay", f"please look at the relay\n{reply}"]


async def test_an_edit_between_reading_and_keeping_is_embedded_next(database: Database) -> None:
    await record(database, said(1, SAID))
    async with database.connection() as conn:
        batch = await message_vectors.waiting(conn, 10)
    await record(database, said(1, "the queue is empty again", edit=LATER))
    embedder = Counting()
    (vector,) = await embedder.embed([SAID])
    async with database.transaction() as conn:
        await message_vectors.keep(conn, batch, {batch[0].hash: vector})
    await embed(database, embedder)
    assert embedder.calls[-1] == ["the queue is empty again"]


async def test_another_model_embeds_all_again(database: Database) -> None:
    await record(database, said(1, SAID), said(2, "the disk of the mailer is full"))
    await embed(database, Counting())
    other = Counting(model="other")
    await embed(database, other)
    assert sorted(other.texts) == sorted([SAID, "the disk of the mailer is full"])


async def test_many_messages_are_embedded_many_at_a_time(database: Database) -> None:
    embedder = Counting()
    await record(database, *(said(n, f"the queue of mailer {n} is full again") for n in range(200)))
    await embed(database, embedder)
    assert [len(call) for call in embedder.calls] == [64, 64, 64, 8]


async def test_the_job_is_put_once_a_minute_while_messages_wait(database: Database) -> None:
    queue = Queue(database.connection)
    periodic = embed_messages(database, queue)
    await periodic.run()
    assert await queue.stats() == []
    await record(database, said(1, SAID))
    for _ in range(2):
        await periodic.run()
    assert [(kind.queued, kind.kind) for kind in await queue.stats() if kind.kind == "embed"] == [
        (1, "embed")
    ]
