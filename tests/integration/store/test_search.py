"""Search in recorded messages."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.domain.messages import MessageRef, posted_at
from ratchet.store import messages
from ratchet.store.pool import Database
from ratchet.store.search import Hit, Search, Within
from ratchet.store.search_within import scope_of
from ratchet.store.search_words import Effort, Words
from ratchet.store.terms import quoted
from tests.integration.store.search_support import OTHER, PUBLIC, SECRET, add, fill, message, stamp

HISTORY = [
    message(1, "KubePodCrashLooping in checkout-api"),
    message(2, "restarted the pod, it was out of memory", parent=1),
    message(3, "raised the memory limit of the pod to 2Gi and restarted it", parent=1),
    message(10, "the deploy of payments failed with ERR_42", channel=OTHER),
    message(20, "someone tried the vault password from a strange address", channel=SECRET),
    message(30, "Last time the vault was sealed, unseal it", kind="self"),
    message(40, "ノードを再起動した"),
    message(50, "lunch?"),
]


def stamps(hits: list[Hit]) -> list[str]:
    return [hit.ref.ts for hit in hits]


def threads(hits: list[Hit]) -> list[str]:
    return [hit.thread_ts for hit in hits]


async def test_any_word_of_the_question_may_match(database: Database) -> None:
    await fill(database, HISTORY)
    hits = await Search(database).messages("why did the deployment of payments not work yesterday", None)
    assert [(hit.ref, hit.channel, hit.author, hit.posted_at, hit.snippet) for hit in hits] == [
        (
            MessageRef(OTHER, stamp(10)),
            "payments",
            "ana",
            posted_at(stamp(10)),
            "the deploy of payments failed with ERR_42",
        )
    ]
    assert hits[0].score > 0


async def test_a_thread_is_found_once_by_its_best_message(database: Database) -> None:
    await fill(database, HISTORY)
    hits = await Search(database).messages("pod memory limit", None)
    assert [(hit.ref.ts, hit.thread_ts) for hit in hits] == [(stamp(3), stamp(1))]


@pytest.mark.parametrize("query", ["crash looping", "checkout", "kubepodcrashlooping", "KubePodCrashLooping"])
async def test_identifiers_are_found_whole_and_by_their_words(database: Database, query: str) -> None:
    await fill(database, HISTORY)
    assert stamps(await Search(database).messages(query, None))[0] == stamp(1)


async def test_identifiers_of_the_question_are_split_too(database: Database) -> None:
    await fill(database, [*HISTORY, message(60, "the payment gateway timed out")])
    assert stamp(60) in stamps(await Search(database).messages("PaymentGatewayTimeout", None))


async def test_a_part_of_text_without_spaces_is_found(database: Database) -> None:
    await fill(database, HISTORY)
    assert stamps(await Search(database).messages("再起動", None)) == [stamp(40)]


async def test_what_a_private_channel_says_is_found_from_there_alone(database: Database) -> None:
    await fill(database, HISTORY)
    search = Search(database)
    assert await search.messages("vault password", None) == []
    assert await search.messages("vault password", PUBLIC) == []
    assert await search.messages("vault password", None, channel_ids=[SECRET]) == []
    assert stamps(await search.messages("vault password", SECRET)) == [stamp(20)]
    assert stamps(await search.find("vault password", Within(everywhere=True))) == [stamp(20)]


async def test_what_ratchet_said_is_never_found(database: Database) -> None:
    await fill(database, HISTORY)
    assert await Search(database).messages("unseal", None) == []


async def test_a_deleted_message_is_never_found(database: Database) -> None:
    await fill(database, HISTORY)
    search = Search(database)
    await search.analyze()
    async with database.transaction() as conn:
        await messages.delete(conn, [MessageRef(OTHER, stamp(10))])
    assert await search.messages("payments deploy", None) == []


async def test_channels_times_and_the_asking_thread_narrow_the_search(database: Database) -> None:
    await fill(database, [*HISTORY, message(70, "the pod is fine", channel=OTHER)])
    search = Search(database)
    assert set(threads(await search.messages("pod", None))) == {stamp(1), stamp(70)}
    assert stamps(await search.messages("pod", None, channel_ids=[OTHER])) == [stamp(70)]
    assert await search.messages("pod", None, channel_ids=[]) == []
    assert stamps(await search.messages("pod", None, since=posted_at(stamp(70)))) == [stamp(70)]
    assert threads(await search.messages("pod", None, until=posted_at(stamp(70)))) == [stamp(1)]
    asking = MessageRef(PUBLIC, stamp(1))
    assert stamps(await search.messages("pod", None, exclude_thread=asking)) == [stamp(70)]
    assert len(await search.messages("pod", None, limit=1)) == 1


@pytest.mark.parametrize("analyzed", [False, True])
async def test_rare_words_count_for_more_also_before_the_first_analyze(
    database: Database, analyzed: bool
) -> None:
    chatter = [message(1_000 + n, f"deploy deploy the deploy of number {n}") for n in range(50)]
    await fill(database, [*HISTORY, *chatter])
    search = Search(database)
    if analyzed:
        await search.analyze()
    assert stamps(await search.messages("deploy err", None, limit=3))[0] == stamp(10)


async def test_statistics_are_read_once_a_minute(database: Database) -> None:
    now = [0.0]
    words = Words(lambda: now[0])

    async def weight() -> float:
        async with database.connection() as conn:
            (term,), _ = await words.find(conn, "word3", await scope_of(conn, Within()), 10, Effort.alone(10))
        return term.idf

    await fill(database, [message(n, f"word{n} common") for n in range(20)])
    await Search(database).analyze()
    first = await weight()
    await add(database, [message(100 + n, "rare and common") for n in range(40)])
    await Search(database).analyze()
    now[0] = 59.0
    assert await weight() == first
    now[0] = 61.0
    assert await weight() > first


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "!?;:() -- /* */",
        "'; drop table messages; --",
        "a & b | !c <-> d :* 'x",
        "foo:*A & \\' ''",
        "%s %(q)s {} $1",
        "再起動" * 3_000,
        "word " * 2_000,
        "ErrorInCheckout-api " * 500,
        "x" * 10_000,
        "\x00\ud800\udfff",
        "'" * 10_000,
        "\\" * 10_000,
        "😀" * 5_000,
        "https://example.com/a/b?c=d#e user@example.com 10.0.0.1:8080 /var/log/x.log",
    ],
)
async def test_any_text_is_a_question(database: Database, query: str) -> None:
    await fill(database, HISTORY)
    search = Search(database)
    await search.messages(query, None)
    await search.analyze()
    await search.messages(query, None)


@given(
    word=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_quoted_word_is_one_operand_whatever_it_holds(database: Database, word: str) -> None:
    async with database.connection() as conn:
        row = await (
            await conn.execute(
                "select %(q)s::tsquery = (select phraseto_tsquery('simple', '')), numnode(%(q)s::tsquery),"
                " array_to_tsvector(array[%(w)s::text]) @@ %(q)s::tsquery",
                {"q": quoted(word), "w": word},
            )
        ).fetchone()
    assert row == (False, 1, True)


async def test_what_is_spread_over_a_thread_counts_together(database: Database) -> None:
    await fill(
        database,
        [
            message(1, "the standby is behind again"),
            message(2, "its replication slot is full", parent=1),
            # Newer, and as good as either of the two.
            message(500, "the standby is behind again"),
            message(501, "thanks, I will look", parent=500),
        ],
    )
    hits = await Search(database).messages("standby slot", None)
    assert [hit.thread_ts for hit in hits] == [stamp(1), stamp(500)]


async def test_a_word_counts_more_in_a_short_message(database: Database) -> None:
    much = " and then we looked at another graph" * 40
    await fill(database, [message(1, "the vacuum is done"), message(2, f"the vacuum is done{much}")])
    assert stamps(await Search(database).messages("vacuum", None)) == [stamp(1), stamp(2)]
