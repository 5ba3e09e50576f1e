from __future__ import annotations

import json

from localslack.delivery import Delivery, DeliveryRules, Envelope


def envelope(name: str, at: float = 0.0) -> Envelope:
    return Envelope(name, "events_api", json.dumps({"n": name}), at)


def test_each_envelope_goes_to_one_connection_in_turn() -> None:
    delivery = Delivery()
    for number in (1, 2, 3):
        assert delivery.connect(number)
    goes_to = [delivery.queue(envelope(str(n))) for n in range(6)]
    assert sorted(number or 0 for number in goes_to) == [1, 1, 2, 2, 3, 3]


def test_an_unacknowledged_envelope_comes_again_at_once_after_a_minute_and_after_five() -> None:
    delivery = Delivery()
    delivery.connect(1)
    waiting = envelope("a")
    delivery.queue(waiting)
    times = []
    now = 0.0
    while (at := delivery.next_due()) is not None:
        now = at
        times += [(now, e.attempt) for _, e in delivery.due(now)]
    assert times == [(3.0, 1), (66.0, 2), (369.0, 3)]
    assert now == 372.0
    assert delivery.figures.dropped == 1
    assert not delivery.pending


def test_a_redelivered_envelope_says_why() -> None:
    delivery = Delivery()
    delivery.connect(1)
    delivery.queue(envelope("a"))
    ((_, again),) = delivery.due(3.0)
    frame = json.loads(again.frame())
    assert (frame["retry_attempt"], frame["retry_reason"]) == (1, "timeout")
    assert frame["payload"] == {"n": "a"}


def test_nothing_is_due_before_its_time_or_after_its_acknowledgement() -> None:
    delivery = Delivery()
    delivery.connect(1)
    delivery.queue(envelope("a"))
    assert not list(delivery.due(2.9))
    delivery.written(delivery.pending["a"], 0.5)
    assert delivery.acknowledge("a", 2.0)
    assert not list(delivery.due(1000.0))
    assert delivery.next_due() is None
    assert delivery.figures.latencies == [1.5]


def test_a_second_acknowledgement_is_counted_and_changes_nothing() -> None:
    delivery = Delivery()
    delivery.connect(1)
    delivery.queue(envelope("a"))
    delivery.acknowledge("a", 1.0)
    assert delivery.acknowledge("a", 2.0) is None
    assert (delivery.figures.acked, delivery.figures.unknown_acks) == (1, 1)


def test_while_nobody_listens_envelopes_wait_for_a_retry() -> None:
    delivery = Delivery(DeliveryRules(retry_delays=(0.0, 10.0)))
    assert delivery.queue(envelope("a")) is None
    assert not list(delivery.due(3.0))
    delivery.connect(1)
    assert [(number, e.attempt) for number, e in delivery.due(16.0)] == [(1, 2)]


def test_the_eleventh_connection_is_refused() -> None:
    delivery = Delivery()
    assert [delivery.connect(number) for number in range(11)] == [True] * 10 + [False]
    delivery.disconnect(4)
    assert delivery.connect(11)
