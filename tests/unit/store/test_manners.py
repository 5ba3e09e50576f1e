"""Settings of a channel as they are stored, whoever wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ratchet.domain.channels import Manners
from ratchet.store.channels import manners_of

UNTIL = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def read(stored: object) -> tuple[Manners, list[Any]]:
    """What is made of it, and the names the log complains about."""
    with capture_logs() as logs:
        found = manners_of(stored, "C1")
    assert all(line["log_level"] == "warning" and line["channel"] == "C1" for line in logs)
    return found, [name for line in logs for name in line["names"]]


def test_nothing_stored_is_the_default() -> None:
    assert read(None) == (Manners(), [])
    assert read({}) == (Manners(), [])


def test_what_is_stored_is_read_and_what_is_unknown_ignored() -> None:
    stored = {"runbooks": False, "quiet_until": "2026-11-23T06:00:00+01:00", "humour": "dry"}
    assert read(stored) == (Manners(runbooks=False, quiet_until=UNTIL), [])
    assert read({"quiet_until": None, "review_channel": None}) == (Manners(), [])
    assert read({"follow_ups": True, "review_channel": "C2"}) == (
        Manners(follow_ups=True, review_channel="C2"),
        [],
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("runbooks", "no"),
        ("storms", 0),
        ("external_allowed", "true"),
        ("external_allowed", None),
        ("follow_ups", "yes"),
        ("review_channel", True),
        ("review_channel", "#answers"),
        ("review_channel", "C1; drop"),
        ("quiet_until", True),
        ("quiet_until", 1_900_000_000),
        ("quiet_until", "tomorrow"),
        ("quiet_until", "2026-11-23T06:00:00"),
        ("quiet_until", "0001-01-01T00:00:00+10:00"),
    ],
)
def test_a_wrong_value_is_the_default_and_said(name: str, value: object) -> None:
    assert read({name: value, "repeats": False}) == (Manners(repeats=False), [name])


def test_what_is_no_object_is_the_default_and_said() -> None:
    assert read([{"runbooks": False}]) == (Manners(), ["all"])


NAMES = ["runbooks", "storms", "external_allowed", "quiet_until", "follow_ups", "review_channel"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.dictionaries(st.sampled_from(NAMES), JSON))
def test_nothing_stored_can_keep_a_channel_from_being_read(stored: Any) -> None:
    found, wrong = read(stored)
    assert isinstance(found, Manners)
    assert not found.external_allowed or stored["external_allowed"] is True
    assert set(wrong) <= {"all", *NAMES}
