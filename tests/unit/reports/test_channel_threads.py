"""What people wrote: what helped, what was asked again, whole threads."""

from __future__ import annotations

import time

from ratchet.domain.reports import ChannelRows
from ratchet.reports import channel_threads as threads
from ratchet.reports.channel_cases import paired
from ratchet.reports.channel_threads import AskedAgain, Learned, ThreadReply
from tests.unit.reports.channel_support import UNTIL, fired, lasting, rows, said, ts

FIX = "fixed by `kubectl -n shop rollout restart deploy/api`"


def learned(given: ChannelRows) -> tuple[Learned, ...]:
    return threads.learned(paired(given).cases, threads.replies_of(given))


def asked_again(given: ChannelRows) -> tuple[AskedAgain, ...]:
    return threads.asked_again(paired(given).cases, threads.replies_of(given))


def test_the_latest_fix_of_each_alert_is_what_was_learned() -> None:
    found = learned(
        rows(
            [*lasting(1, 30), *lasting(20, 30), *lasting(30, 30, "Other"), *lasting(40, 30)],
            replies=[
                said(1, 1.1, "fixed by `systemctl restart old`"),
                said(20, 20.1, FIX),
                said(20, 20.2, "thanks!"),
                said(30, 30.1, "merged https://git.example.com/shop/pull/12"),
                said(40, 40.1, "looking at `kubectl get pods`"),
            ],
        )
    )
    assert found == (
        Learned("Other", "api", ts(30), ts(30.1), ""),
        Learned("DiskFull", "api", ts(20), ts(20.1), "kubectl -n shop rollout restart deploy/api"),
    )


def test_looking_and_talking_is_no_fix() -> None:
    texts = ["`df -h` says 98 %", "see https://grafana.example.com/d/1", "restarted it", "`DiskFull` again"]
    assert (
        learned(rows(lasting(1, 30), replies=[said(1, 1.1 + n / 10, text) for n, text in enumerate(texts)]))
        == ()
    )


def test_of_a_block_the_command_that_changes_something_is_shown() -> None:
    text = "```\ndf -h /var\njournalctl --vacuum-size=1G\nrm -rf /var/tmp/old\n```"
    (found,) = learned(rows(lasting(1, 30), replies=[said(1, 1.1, text)]))
    assert found.fix == "rm -rf /var/tmp/old"


def test_a_question_of_several_threads_is_asked_again() -> None:
    found = asked_again(
        rows(
            [*lasting(1, 30), *lasting(20, 30), *lasting(40, 30), *lasting(50, 30, "Other")],
            replies=[
                said(1, 1.1, "hm. Which dashboard shows the queue depth?"),
                said(1, 1.2, "which dashboard shows the queue depth??"),
                said(20, 20.1, "<@U1> which dashboard shows the depth of the queue?"),
                said(40, 40.1, "who restarts the consumer?"),
                said(50, 50.1, "which dashboard shows the queue depth?"),
            ],
        )
    )
    (only,) = found
    assert (only.alert, only.threads, only.root_ts, only.ts) == ("DiskFull", 2, ts(20), ts(20.1))
    assert "dashboard shows the depth" in only.text
    assert "<@" not in only.text


def test_raw_threads_are_the_longest_ones_cut_in_the_middle_and_without_names() -> None:
    long = [said(20, 20.1 + n / 100, f"<@U0ANA> step {n} " + "x" * 400) for n in range(9)]
    given = rows([*lasting(1, 30), *lasting(20, 90), fired(160), *lasting(60, 5)],
                 replies=[said(1, 1.5, "done"), *long, said(160, 160.5), said(160, 161)])  # fmt: skip
    first, second, third = threads.raw_threads(paired(given).cases, threads.replies_of(given), UNTIL)
    assert (first.ts, first.minutes_open, len(first.replies), first.left_out) == (ts(20), 90, 6, 3)
    assert [reply.text[:16] for reply in first.replies][:3] == [
        "@someone step 0 ",
        "@someone step 1 ",
        "@someone step 5 ",
    ]
    assert all(len(reply.text) <= 300 for reply in first.replies)
    assert (second.ts, second.minutes_open, second.left_out) == (ts(160), 480, 0)
    assert third.replies == (ThreadReply(30, "done"),)


def test_hostile_texts_take_no_time() -> None:
    texts = [
        "?" * 2_000,
        "a " * 1_000,
        "`" * 2_000,
        "a?" * 1_000,
        "<@U" * 600,
        "why " * 499 + "?",
        "x" * 1_999 + "?",
    ]
    given = rows(lasting(1, 30), replies=[said(1, 1.1 + n / 100, text) for n, text in enumerate(texts * 5)])
    began = time.perf_counter()
    learned(given)
    asked_again(given)
    assert time.perf_counter() - began < 1.0
