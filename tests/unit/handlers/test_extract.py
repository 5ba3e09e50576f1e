"""What helped is found among what people wrote."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.domain.messages import Message, MessageRef, Sender
from ratchet.handlers.extract import Thread, best_reply, extract, fingerprint, rank, threads_of

DAY = 86_400
START = 1_700_000_000


def reply(
    text: str, *, day: int = 0, minute: int = 1, reactions: Mapping[str, tuple[str, ...]] | None = None
) -> Message:
    ts = f"{START + day * DAY + minute * 60}.000100"
    return Message(
        "C1", ts, Sender("person", "U1", "Ana"), text, ts, parent_ts=root(day).ts, reactions=reactions or {}
    )


def root(day: int) -> MessageRef:
    return MessageRef("C1", f"{START + day * DAY}.000100")


def thread(*replies: Message, day: int = 0, closed_after: int | None = 30) -> Thread:
    opened = datetime.fromtimestamp(START + day * DAY, UTC)
    closed = None if closed_after is None else opened + timedelta(minutes=closed_after)
    return Thread(root(day), opened, closed, replies)


def texts(found: Sequence[object]) -> list[str]:
    return [f.message.text for f in found]  # type: ignore[attr-defined]  # findings


def test_the_command_that_worked_wins_over_the_talk_around_it() -> None:
    found = extract(
        [
            thread(
                reply("looking", minute=1),
                reply("is it the database again?", minute=2),
                reply("`kubectl -n shop rollout restart deploy/checkout`", minute=3),
                reply("that worked, thanks", minute=5),
            )
        ]
    )
    assert found is not None
    assert found.last_time.message.text.startswith("`kubectl")


def test_a_command_that_did_not_help_loses_to_the_one_that_did() -> None:
    ranked = rank(
        thread(
            reply("`redis-cli flushall` on the cache", minute=1),
            reply("no change, still firing", minute=2),
            reply("rolled back: https://git.example/shop/pull/42", minute=3),
            reply("confirmed, green again", minute=4),
        )
    )
    assert texts(ranked)[0].startswith("rolled back")


def test_the_newest_useful_thread_says_what_fixed_it_last_time() -> None:
    old = thread(reply("fixed by `systemctl restart api`", day=1), day=1)
    new = thread(reply("don't restart any more, use `flagctl set pool=fresh` instead", day=5), day=5)
    silent = thread(reply("ack", day=9), day=9)
    found = extract([silent, new, old])
    assert found is not None
    assert "flagctl" in found.last_time.message.text
    assert texts(found.before) == ["fixed by `systemctl restart api`"]


def test_the_same_command_is_not_listed_twice() -> None:
    threads = [thread(reply(f"`restart api --id {n}` did the trick", day=n), day=n) for n in (3, 2, 1)]
    found = extract(threads)
    assert found is not None
    assert found.before == []


def test_nothing_is_made_of_small_talk() -> None:
    assert extract([thread(reply("looking"), reply("hm?"), reply("back to normal by itself"))]) is None
    assert extract([]) is None


def test_praise_by_colleagues_makes_a_plain_sentence_count() -> None:
    plain = "Turn off the nightly job first, it holds the lock because of the vacuum"
    assert rank(thread(reply(plain), closed_after=None)) == []
    praised = reply(plain, reactions={"white_check_mark": ("U2", "U3")})
    assert texts(rank(thread(praised, closed_after=None))) == [plain]


def test_the_best_reply_exists_where_anybody_replied() -> None:
    assert best_reply([]) is None
    answer = best_reply([reply("me too", minute=1), reply("use port 6432: `psql -p 6432`", minute=2)])
    assert answer is not None
    assert "6432" in answer.text


@pytest.mark.parametrize(
    ("one", "other"),
    [("`kill 4711` now", "and `kill 4712` again"), ("scaled to 6", "Scaled to 8!")],
)
def test_numbers_do_not_make_a_fix_another_fix(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_replies_are_grouped_under_their_firing_newest_first() -> None:
    opened = {root(day): datetime.fromtimestamp(START + day * DAY, UTC) for day in (1, 2, 3)}
    threads = threads_of(opened, {}, [reply("a", day=1), reply("b", day=3), reply("c", day=1, minute=2)])
    assert [(t.root, [r.text for r in t.replies]) for t in threads] == [
        (root(3), ["b"]),
        (root(1), ["a", "c"]),
    ]


@pytest.mark.parametrize(
    "piece",
    ["`", "```x y``` ", "https://", "https://a/pull/", "`a ", "$ ", "fixed ", "<https://a", "a" * 50, "`x`"],
)
def test_a_hostile_text_does_not_stop_the_program(piece: str) -> None:
    text = (piece * 40_000)[:40_000]
    started = time.process_time()
    rank(thread(reply(text), reply(text, minute=2)))
    best_reply([reply(text)])
    fingerprint(text)
    # Generous: what this guards against took minutes.
    assert time.process_time() - started < 2
