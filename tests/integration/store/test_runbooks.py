"""Kept runbooks in the database: versions, pins, who may see them, and what a deletion takes along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ratchet.domain.effects import KeepRunbook, UnpinRunbook
from ratchet.domain.messages import MessageRef
from ratchet.domain.runbooks import Content, Item, KeptRunbook, to_json
from ratchet.store import retention, runbooks
from ratchet.store.pool import Database
from ratchet.store.runbooks import KEPT_VERSIONS, Runbooks
from tests.integration.pipeline.house import House, at, deleted, edited, said

A, B = MessageRef("C1", at(1)), MessageRef("C2", at(2))


def kept(text: str = "restart", evidence: str = "e1", source: MessageRef = A, **more: Any) -> KeepRunbook:
    content = Content(last_fix=Item(text, (source,)))
    fields: dict[str, Any] = {"scope": "", "writer": "model", "pinned": False, **more}
    return KeepRunbook(
        service="checkout",
        alert="HighErrorRate",
        author="scripted",
        evidence=evidence,
        content=to_json(content),
        sources=((source.channel_id, source.ts),),
        **fields,
    )


@pytest.fixture
async def house(database: Database) -> House:
    house = House(database)
    await house.hear(said(A.ts, "fixed"), said(B.ts, "fixed too", channel="C2"))
    await house.rows("update channels set kind = case id when 'C1' then 'public' else 'private' end")
    return house


async def keep(house: House, effect: KeepRunbook) -> bool:
    async with house.db.transaction() as conn:
        return await runbooks.keep(conn, effect)


async def current(house: House, evidence: str = "e1", scope: str = "") -> KeptRunbook | None:
    return await Runbooks(house.db).current("checkout", "HighErrorRate", scope, evidence)


def text_of(found: KeptRunbook | None) -> str | None:
    return found.content.last_fix.text if found is not None and found.content.last_fix else None


async def test_what_was_written_from_the_same_evidence_is_found_and_other_is_not(house: House) -> None:
    assert await keep(house, kept())
    assert text_of(await current(house)) == "restart"
    assert await current(house, evidence="e2") is None
    assert await Runbooks(house.db).current("payments", "HighErrorRate", "", "e1") is None


async def test_a_pinned_version_outranks_newer_ones_until_it_is_unpinned(house: House) -> None:
    await keep(house, kept("pinned", writer="person", pinned=True, evidence=""))
    await keep(house, kept("newer"))
    assert text_of(await current(house)) == "pinned"
    async with house.db.transaction() as conn:
        assert await runbooks.unpin(conn, UnpinRunbook("", "checkout", "HighErrorRate"))
        assert not await runbooks.unpin(conn, UnpinRunbook("", "checkout", "HighErrorRate"))
    assert text_of(await current(house)) == "newer"


async def test_a_second_pin_replaces_the_first_and_both_stay_in_the_history(house: House) -> None:
    for text in ("one", "two"):
        await keep(house, kept(text, writer="person", pinned=True))
    versions = await Runbooks(house.db).versions("checkout", "HighErrorRate", "")
    assert [(v.version, text_of(v), v.pinned) for v in versions] == [(2, "two", True), (1, "one", False)]


async def test_what_rests_on_a_private_channel_is_seen_only_there(house: House) -> None:
    await keep(house, kept("public", evidence="e0"))
    await keep(house, kept("secret", source=B, scope="C2"))
    assert await current(house) is None
    assert await current(house, scope="C3") is None
    assert text_of(await current(house, scope="C2")) == "secret"
    assert text_of(await current(house, evidence="e0", scope="C2")) == "public"
    assert await Runbooks(house.db).visible({A, B}, "C1") == {A}
    assert await Runbooks(house.db).visible({A, B}, "C2") == {A, B}
    assert await Runbooks(house.db).visible({A, B, MessageRef("C1", at(9))}, "") == {A}


async def test_deleting_a_message_deletes_every_version_it_went_into(house: House) -> None:
    await keep(house, kept("one"))
    await keep(house, kept("two", source=B))
    await keep(house, kept("three", writer="person", pinned=True))
    await house.hear(deleted(A.ts, at(10)))
    assert [text_of(v) for v in await Runbooks(house.db).versions("checkout", "HighErrorRate", "")] == ["two"]
    assert await house.rows("select count(*) from runbook_sources") == [(1,)]


async def test_editing_a_message_deletes_what_a_model_made_of_it_and_not_what_people_approved(
    house: House,
) -> None:
    await keep(house, kept("by model"))
    await keep(house, kept("by a person", writer="person", pinned=True))
    await house.hear(edited(said(A.ts, "fixed"), at(10), text="fixed without the password"))
    assert [text_of(v) for v in await Runbooks(house.db).versions("checkout", "HighErrorRate", "")] == [
        "by a person"
    ]


async def test_nothing_is_kept_that_rests_on_a_message_deleted_meanwhile(house: House) -> None:
    await house.hear(deleted(A.ts, at(10)))
    assert not await keep(house, kept())
    assert await house.rows("select count(*) from runbooks") == [(0,)]


async def test_only_so_many_versions_are_kept_and_the_pinned_one_always(house: House) -> None:
    await keep(house, kept("pinned", pinned=True))
    for number in range(KEPT_VERSIONS + 5):
        await keep(house, kept(str(number), evidence=str(number)))
    versions = await Runbooks(house.db).versions("checkout", "HighErrorRate", "")
    assert len(versions) == KEPT_VERSIONS + 1
    assert versions[-1].pinned


async def test_old_messages_take_unpinned_runbooks_along_and_stay_for_pinned_ones(house: House) -> None:
    await keep(house, kept("pinned", pinned=True))
    await keep(house, kept("old", source=B))
    await retention.prune(house.db, message_days=0)
    assert await house.rows("select channel_id from messages") == [("C1",)]
    assert [text_of(v) for v in await Runbooks(house.db).versions("checkout", "HighErrorRate", "")] == [
        "pinned"
    ]


async def test_the_reads_use_their_indexes(house: House) -> None:
    await house.hear(*(said(at(100 + number), f"fix {number}") for number in range(2000)))
    async with house.db.transaction() as conn:
        for number in range(2000):
            source = MessageRef("C1", at(100 + number))
            await runbooks.keep(conn, replace(kept(source=source), alert=f"Alert{number}"))
        await conn.execute("analyze runbooks, runbook_sources")
    values = {"service": "checkout", "alert": "Alert7", "scope": "", "evidence": "e1"}
    refs = {"channels": ["C1"], "ts": [at(177)]}
    for statement, given in ((runbooks.CURRENT, values), (runbooks.FORGET, refs)):
        async with house.db.connection() as conn:
            plan = await conn.execute(f"explain {statement}".encode(), given)
            text = "\n".join(row[0] for row in await plan.fetchall())
        assert "Seq Scan on runbook" not in text, text
