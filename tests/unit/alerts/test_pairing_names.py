"""Names that differ only in digits are never paired, and what was measured does not keep an alert from its close."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.alerts import classify
from ratchet.alerts.keys import MAX_KEY, link_key, make_key, same_text
from ratchet.alerts.view import View
from ratchet.domain.incidents import Action
from tests.unit.alerts.payloads import AM, bot, card, fields

# `{}` is the only thing that tells one such alert from another.
NAMES = (
    "NodeDown{}",
    "web-{} is down",
    "Disk {} failed",
    "disk {} is full",
    "Disk {} has errors",
    "Interface Gi1/0/{} flapping",
    "Port {}/1 without link",
    "Port {} closed",
    "Job {} failed",
    "Order queue {} backlog",
    "Shard {} replicas missing",
    "Worker {} restarts too often",
    "Host 10.0.0.{} unreachable",
    "10.0.0.{}",
    "web:{} refuses connections",
    "p{} latency high",
    "Rack {}: no power",
    "Store #{} offline",
    "Shop ({}) without orders",
)
NUMBERS = st.tuples(st.integers(0, 99_999), st.integers(0, 99_999)).filter(lambda two: two[0] != two[1])


def generic(title: str, *, firing: bool) -> dict[str, Any]:
    return bot(f"[CRITICAL] {title}" if firing else f"[OK] {title}")


def prefixed(title: str, *, firing: bool) -> dict[str, Any]:
    return bot(f":fire: ALERT: {title}" if firing else f":white_check_mark: RESOLVED: {title}")


def alertmanager(title: str, *, firing: bool) -> dict[str, Any]:
    state = "[FIRING:1]" if firing else "[RESOLVED]"
    return card(f"{state} {title} (critical)", "a30200" if firing else "2eb886", title_link=AM)


def custom_template(title: str, *, firing: bool) -> dict[str, Any]:
    return card(title, "a30200" if firing else "2eb886", title_link=AM, fallback="x")


def zabbix(title: str, *, firing: bool) -> dict[str, Any]:
    state, colour = ("Problem:", "e45959") if firing else ("Resolved in 5m 1s:", "009900")
    return card(f"{state} {title}", colour, fields=fields(Host="db-1", Severity="High"))


def datadog(title: str, *, firing: bool) -> dict[str, Any]:
    state, colour = ("Triggered:", "a30200") if firing else ("Recovered:", "2eb886")
    return card(f"{state} {title}", colour, name="Datadog")


TOOLS = (generic, prefixed, alertmanager, custom_template, zabbix, datadog)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TOOLS), st.sampled_from(NAMES), NUMBERS)
def test_alerts_whose_names_differ_only_in_digits_are_never_paired(
    tool: Any, name: str, numbers: tuple[int, int]
) -> None:
    one, other = (name.format(number) for number in numbers)
    fired, resolved = classify(tool(one, firing=True)), classify(tool(one, firing=False))
    assert (fired.action, resolved.action) == (Action.OPEN, Action.CLOSE)
    assert fired.pair_key == resolved.pair_key
    for elsewhere in (classify(tool(other, firing=firing)) for firing in (True, False)):
        assert fired.pair_key != elsewhere.pair_key
        # Alertmanager's default form has values without names: `Disk 1` may be a disk's alert, `10.0.0.1` a host.
        assert tool is alertmanager or (fired.alert, fired.service) != (elsewhere.alert, elsewhere.service)


READINGS = (
    "{}: 12.5% used",
    "{} (now 3.4s)",
    "{} – value 15000",
    "{}, count: 17",
    "{} – 15 errors in 5m",
    "{}: 3/5 pods ready",
    "{} since 12:30:05",
    "{} on 2024-05-06",
    "{} is 1200",
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(READINGS), st.sampled_from(NAMES), st.integers(0, 99_999), st.data())
def test_what_was_measured_is_no_part_of_the_key(
    reading: str, name: str, number: int, data: st.DataObject
) -> None:
    title = name.format(number)
    again = "".join(str(data.draw(st.integers(1, 9))) if sign.isdigit() else sign for sign in reading)
    assert same_text(reading.format(title)) == same_text(again.format(title))


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("HTTP error 500 on pay", "http 500 on pay"),
        ("Queue depth 15000", "queue depth"),
        ("connections=212, limit 300", "connections limit 300"),
        ("pid 4242 exited", "pid exited"),
        ("process 4242 exited", "process 4242 exited"),
        ("pay: 3/5 pods ready", "pay pods ready"),
    ],
)
def test_a_whole_number_is_a_reading_only_where_something_says_so(title: str, kept: str) -> None:
    assert same_text(title) == kept


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=900)


@settings(max_examples=200, deadline=None)
@given(TEXT, TEXT)
def test_keys_are_bounded_and_as_different_as_their_parts(one: str, other: str) -> None:
    view = View(bot("x"), None, "C1")
    keys = [make_key(view, "tool", part) for part in (one, other)]
    assert all(len(key) <= MAX_KEY for key in keys)
    assert (keys[0] == keys[1]) == (one.strip() == other.strip())


def test_long_names_that_differ_at_their_end_are_not_paired() -> None:
    name = "Name " + "label " * 150
    one, other = (classify(card(f"[FIRING:1] {name}{n} (critical)", title_link=AM)) for n in (1, 2))
    assert one.pair_key != other.pair_key


def test_long_addresses_that_differ_at_their_end_are_not_paired() -> None:
    link = "https://app.datadoghq.com/monitors/5?group=" + "a" * 500
    keys = [link_key(View(bot(f"<{link}{n}|x>"), None, "C1")) for n in (1, 2)]
    assert None not in keys
    assert keys[0] != keys[1]


def test_an_alert_without_name_and_service_has_no_name_or_key_of_something_else() -> None:
    for text in ("[CRITICAL]", ":fire: ALERT!", "Incident triggered"):
        found = classify(bot(text))
        assert found.service is None
        assert found.pair_key in (None, "generic|B1||", "generic|B1|incident|"), text
