"""Ids of requests, and how often a client may ask."""

from __future__ import annotations

from ratchet.web.requests import Buckets


def test_a_client_that_asks_too_often_waits_and_others_do_not() -> None:
    now = [100.0]
    buckets = Buckets(2.0, clock=lambda: now[0])
    assert [buckets.wait_s("a") for _ in range(20)] == [0.0] * 20
    assert buckets.wait_s("a") == 0.5
    assert buckets.wait_s("b") == 0.0
    now[0] += 0.5
    assert buckets.wait_s("a") == 0.0
    assert buckets.wait_s("a") == 0.5


def test_a_client_that_was_quiet_saves_up_no_more_than_the_most() -> None:
    now = [0.0]
    buckets = Buckets(1.0, clock=lambda: now[0])
    assert buckets.wait_s("a") == 0.0
    now[0] = 1e9
    assert [buckets.wait_s("a") for _ in range(11)] == [0.0] * 10 + [1.0]


def test_so_many_clients_are_remembered_and_no_more() -> None:
    buckets = Buckets(0.1, most=3, clock=lambda: 0.0)
    for client in "abcd":
        buckets.wait_s(client)
    assert list(buckets.kept) == ["b", "c", "d"]
    assert buckets.wait_s("b") > 0.0
