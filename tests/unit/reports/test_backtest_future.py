"""A replay never sees the future."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.domain.messages import posted_at
from ratchet.reports.as_of import AsOf, recorded_history
from ratchet.reports.backtest import Case, Replay
from tests.unit.reports.backtest_support import (
    FIX,
    Event,
    Reply,
    at,
    closed,
    incident,
    opened,
    reacted,
    replayed,
    said,
)

NOW = 1000
TEXTS = st.sampled_from(
    [
        FIX, "looking", "root cause: `pool_size`, fixed by https://git.example.com/a/pull/7", "did not help",
        "`harborctl edge drain eu`", "thanks, that worked!", "restarted, green again", "that did it",
    ]
)  # fmt: skip
NAMES = st.sampled_from(["white_check_mark", "eyes", "+1"])
ROOTS = st.integers(0, 9)


def minutes_of(root: int) -> int:
    return root * 100


def events(low: int, high: int) -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        ts=st.integers(low, high).map(at),
        action=st.sampled_from(["open_incident", "close_incident"]),
        service=st.sampled_from(["checkout", "payments"]),
        channel_id=st.sampled_from(["C1", "C2"]),
        parent_ts=st.none() | ROOTS.map(lambda n: at(minutes_of(n))),
    )


def replies(low: int, high: int) -> st.SearchStrategy[Reply]:
    bare = st.builds(
        lambda root, when, text: said(minutes_of(root), when + 0.5, text),
        ROOTS,
        st.integers(low, high),
        TEXTS,
    )
    given_ = st.tuples(NAMES, st.sampled_from(["U1", "U2"]), st.integers(low, 3000).map(at))
    return st.builds(lambda reply, reactions: reacted(reply, *reactions), bare, st.lists(given_, max_size=2))


def answer(replay: Replay) -> tuple[Any, ...]:
    """Everything of the judged incident that is made from the past."""
    case: Case = replay.cases[-1]
    posts = [post for post in replay.posts if post.firing.ts == at(NOW)]
    return case.earlier, case.known, case.written, [(p.answer, p.line) for p in posts]


@settings(max_examples=80, deadline=None)
@given(
    past=st.lists(events(0, NOW - 1), max_size=12, unique_by=lambda e: e.ts),
    words=st.lists(replies(0, NOW - 1), max_size=12, unique_by=lambda r: r.message.ts),
    future=st.lists(events(NOW + 1, 3000), max_size=8, unique_by=lambda e: e.ts),
    later=st.lists(replies(NOW, 3000), max_size=12, unique_by=lambda r: r.message.ts),
    late_reactions=st.lists(st.tuples(NAMES, st.just("U9"), st.integers(NOW, 3000).map(at)), max_size=3),
)
async def test_whatever_happens_after_it_an_incident_is_answered_the_same(
    past: list[Event], words: list[Reply], future: list[Event], later: list[Reply],
    late_reactions: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    roots = [opened(minutes_of(n)) for n in range(10)]
    opening = opened(NOW)
    before = [*roots, *past, opening]
    alone = await replayed([incident(opening)], before, words)
    praised = [reacted(reply, *reply.given, *late_reactions) for reply in words]
    crowded = await replayed([incident(opening)], [*before, *future], [*praised, *later])
    assert answer(crowded) == answer(alone)


@settings(max_examples=50, deadline=None)
@given(words=st.lists(replies(0, NOW - 1), max_size=10, unique_by=lambda r: r.message.ts), data=st.data())
async def test_no_word_that_was_written_later_is_cited(words: list[Reply], data: st.DataObject) -> None:
    """Any of the replies was edited afterwards: only its present text is kept, and it must not be used."""
    chosen = data.draw(st.sets(st.sampled_from(range(len(words))))) if words else set()
    known = [
        replace(r, message=replace(r.message, text="`future_fix --now`", version=at(NOW)))
        if n in chosen
        else r
        for n, r in enumerate(words)
    ]
    roots = [opened(minutes_of(n)) for n in range(10)]
    [case] = (await replayed([incident(opened(NOW))], [*roots, opened(NOW)], known)).cases
    assert all("future_fix" not in item.text for item in (case.written.items if case.written else ()))


async def test_a_late_reply_under_an_old_thread_is_not_known() -> None:
    openings = [opened(0), opened(NOW)]
    for minutes, covered in ((NOW - 1, True), (NOW, False), (NOW + 1, False)):
        cases = (await replayed([incident(e) for e in openings], openings, [said(0, minutes, FIX)])).cases
        assert (cases[-1].written is not None) == covered


async def test_a_later_close_reaction_or_edit_is_not_known() -> None:
    reply = said(0, 5, FIX)
    praised = reacted(reply, ("+1", "U2", at(10)), ("tada", "U3", at(NOW)))
    history = recorded_history([opened(0), closed(NOW)], [praised], ["C1"])
    record = AsOf(history, posted_at(at(NOW)))
    root = opened(0).ref
    assert await record.ends([root]) == {root: None}
    assert [m.reactions for m in await record.triage([root])] == [{"+1": ("U2",)}]
    afterwards = AsOf(history, posted_at(at(NOW + 1)))
    assert await afterwards.ends([root]) == {root: posted_at(at(NOW))}
    assert [m.reactions for m in await afterwards.triage([root])] == [{"+1": ("U2",), "tada": ("U3",)}]
    edited = recorded_history([opened(0)], [said(0, 5, FIX, edited=NOW)], ["C1"])
    assert await AsOf(edited, posted_at(at(NOW))).triage([root]) == []


async def test_asking_for_later_does_not_help() -> None:
    history = recorded_history([opened(0), opened(NOW), closed(NOW + 1)], [], ["C1"])
    record = AsOf(history, posted_at(at(NOW)))
    much_later = posted_at(at(90_000))
    found = await record.firings("checkout", "HighErrorRate", much_later, "C1")
    assert [event.ts for event in found] == [at(0)]
    assert [e.ts for e in await record.previous("C1", "checkout/HighErrorRate", much_later)] == [at(0)]
