"""A person is forgotten: what they wrote is in no table afterwards, and everything else is."""

from __future__ import annotations

from ratchet.pipeline.forget import Forget
from ratchet.store.audit import latest
from ratchet.store.channels import Channels, Person
from ratchet.store.forget import find_people
from tests.integration.pipeline.house import House, alert_said, at, reacted, said

WORDS = "flumpwort"
TABLES = """
select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
"""


async def forgotten(house: House, person: str) -> list[int]:
    seen: list[int] = []
    done = await Forget(house.db, house.intake, lambda: float(at(9_000))).run(person, seen.append)
    return [done.messages, done.reactions, done.votes]


async def holding(house: House, words: str) -> list[str]:
    """The tables with a row that holds the words."""
    found = []
    for (table,) in await house.rows(TABLES):
        rows = await house.rows(f'select 1 from "{table}" t where t::text ilike %s limit 1', f"%{words}%")
        found += [table] if rows else []
    return found


async def told(house: House) -> None:
    await Channels(house.db).upsert_people(
        [Person("U1", "Ana Flumpwort", "ana@flumpwort.example"), Person("U2", "Bo")]
    )
    await house.hear(
        alert_said(at(0)),
        said(at(1), f"I ran {WORDS} --fix", thread_ts=at(0)),
        said(at(2), f"a question about {WORDS}"),
        said(at(3), "an answer by somebody else", thread_ts=at(2), user="U2"),
        said(at(4), f"{WORDS} in another channel", channel="C2"),
        reacted(at(0), "eyes", at(5)),
    )


async def test_all_that_a_person_wrote_goes_and_what_others_wrote_stays(house: House) -> None:
    await told(house)
    assert await holding(house, WORDS)
    assert await forgotten(house, "U1") == [3, 1, 0]
    assert await holding(house, WORDS) == []
    assert await house.rows(
        "select text from messages where text <> '' and (attrs->'sender'->>'id') = 'U2'"
    ) == [("an answer by somebody else",)]
    assert await house.rows("select count(*) from messages where (attrs->'sender'->>'id') = 'U1'") == [(0,)]


async def test_it_is_safe_to_repeat_and_is_in_the_log_of_deeds_without_words(house: House) -> None:
    await told(house)
    await forgotten(house, "U1")
    assert await forgotten(house, "U1") == [0, 0, 0]
    deeds = await latest(house.db, None, None, 10)
    assert [(deed.who, deed.action, deed.subject) for deed in deeds] == [
        ("operator", "person_forgotten", "U1")
    ] * 2
    assert deeds[1].attrs == {"reactions": 1, "votes": 0, "people": 1}


async def test_more_messages_than_fit_one_batch_go_in_several(house: House) -> None:
    await house.hear(*(said(at(number), f"{WORDS} {number}") for number in range(1, 1203)))
    assert await forgotten(house, "U1") == [1202, 0, 0]
    assert await house.rows("select count(*) from messages") == [(0,)]


async def test_a_person_is_found_by_id_address_or_name(house: House) -> None:
    await told(house)
    for who in ("U1", "ANA@flumpwort.example", "@ana flumpwort", "Ana Flumpwort"):
        assert await find_people(house.db, who) == ["U1"]
    assert await find_people(house.db, "nobody") == []
