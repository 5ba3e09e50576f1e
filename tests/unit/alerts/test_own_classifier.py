"""The operator's executable: its question, and what counts as an answer."""

from __future__ import annotations

import json

import pytest

from ratchet.alerts import own_request, parse_own_answer
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import Action
from ratchet.domain.messages import Message, Sender


def answer(**values: object) -> bytes:
    return json.dumps({"action": "open_incident", **values}).encode()


def test_a_full_answer_is_taken_as_it_is() -> None:
    got = parse_own_answer(
        answer(service="checkout", alert="HighErrorRate", priority="HIGH", duration="1h30m", note="ignored")
    )
    assert (got.action, got.service, got.alert, got.priority) == (
        Action.OPEN,
        "checkout",
        "HighErrorRate",
        "HIGH",
    )
    assert got.stated_duration_s == 5400
    assert got.tool == "own"


def test_open_and_close_of_one_alert_share_a_key() -> None:
    opened = parse_own_answer(answer(service="a", alert="b"))
    closed = parse_own_answer(answer(action="close_incident", service="a", alert="b"))
    assert opened.pair_key == closed.pair_key is not None


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("1h30m", 5400.0),
        (90_000_000_000, 90.0),
        ("1.5s", 1.5),
        ("0s", 0.0),
        (None, None),
        ("", None),
        (0, 0.0),
    ],
)
def test_a_duration_is_a_go_duration_or_nanoseconds(stated: object, seconds: float | None) -> None:
    assert parse_own_answer(answer(duration=stated)).stated_duration_s == seconds


def test_names_are_made_storable() -> None:
    got = parse_own_answer(b'{"action": "none", "service": "a\\u0000b\\ud800", "alert": "  x\\n y "}')
    assert (got.service, got.alert, got.priority) == ("ab", "x y", "LOW")


@pytest.mark.parametrize(
    ("stdout", "told"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"Traceback (most recent", "is not JSON"),
        (b'{"action": "none"', "is not JSON"),
        (b'{"action": "none"}{"action": "none"}', "is not JSON"),
        (b"[1]", "JSON list"),
        (b"null", "JSON null"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"{}", 'no "action"'),
        (b'{"action": "open"}', '"action": "open"'),
        (b'{"action": ["none"]}', '"action"'),
        (answer(priority="urgent"), "HIGH, LOW"),
        (answer(service=3), '"service" as a number'),
        (answer(alert={"a": 1}), '"alert" as a object'),
        (answer(duration="soon"), '"duration": "soon"'),
        (answer(duration=-1), '"duration": -1'),
        (answer(duration=True), '"duration": true'),
        (answer(duration=10**40), '"duration"'),
        (b'{"action": "none", "duration": NaN}', '"duration"'),
        (b'{"action": "none", "duration": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * 1_000_001, "bytes"),
    ],
)
def test_a_wrong_answer_is_refused_with_what_is_wrong(stdout: bytes, told: str) -> None:
    with pytest.raises(Refused, match="incident classifier's answer") as refused:
        parse_own_answer(stdout)
    assert told in str(refused.value)
    assert len(str(refused.value)) < 500


def test_the_question_is_json_with_name_and_text_first() -> None:
    message = Message("C1", "1.2", Sender("bot", "B1", "alerts"), "down", "1.2", payload={"text": "down"})
    asked = json.loads(json.dumps(own_request(message)))
    assert list(asked)[:2] == ["username", "text"]
    assert (asked["username"], asked["text"], asked["message"]) == ("alerts", "down", {"text": "down"})
