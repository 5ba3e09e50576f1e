"""Counts, starts, durations, priorities, identity, wrapping."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.alerts import classify, judge, to_json, unwrap
from ratchet.alerts.words import duration_s, priority_of
from ratchet.domain.incidents import Action
from tests.unit.alerts.payloads import bot, card, fields, section


def test_the_size_of_a_group_is_counted() -> None:
    assert classify(card("[FIRING:12] DiskFull (node)")).count == 12
    assert classify(card("[RESOLVED] DiskFull (node)")).count is None


def test_a_stated_duration_is_read() -> None:
    zabbix = card("Resolved in 1h 5m 3s: Disk is full", "009900", fields=fields(Host="d", Severity="High"))
    assert classify(zabbix).stated_duration_s == 3903
    listed = card(
        "[RESOLVED] DiskFull (node)", text="*StartsAt:* 2024-05-01T10:00:00Z\n*Duration:* 12m5.511s"
    )
    assert classify(listed).stated_duration_s == pytest.approx(725.511)
    assert classify(listed).stated_start == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_a_start_as_a_slack_date_is_read() -> None:
    metric = bot(
        name="Sentry",
        attachments=[
            {
                "blocks": [
                    section(
                        "<https://a.sentry.io/alerts/rules/details/7/|*Critical: p95*>\nStarted: "
                        "<!date^1700000000^{date}|x>"
                    )
                ]
            }
        ],
    )
    assert classify(metric).stated_start == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12m5.511s", 725.511),
        ("1d 2h", 93600.0),
        ("90 seconds", 90.0),
        ("1 hour, 2 minutes", 3720.0),
        ("5", None),
        ("soon", None),
        ("5m x", None),
    ],
)
def test_durations_are_wholly_durations_or_none(text: str, seconds: float | None) -> None:
    assert duration_s(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "severity", ["critical", "high", "page", "error", "p1", "p2", "sev1", "sev2", "disaster"]
)
def test_these_severities_are_high(severity: str) -> None:
    assert priority_of(severity) == "HIGH"


@pytest.mark.parametrize("severity", ["warning", "info", "p3", "average", "task", None])
def test_all_others_are_low(severity: str | None) -> None:
    assert priority_of(severity) == "LOW"


ALERT = {"attachments": [{"title": "[FIRING:1] DiskFull (node critical)", "color": "danger"}]}


@pytest.mark.parametrize(
    ("identity", "opens"),
    [
        ({"bot_id": "B1", "user": "U1"}, True),
        ({"app_id": "A1", "user": "U1", "ts": "1.1"}, True),
        ({"bot_profile": {"name": "x"}, "user": "U1", "ts": "1.1"}, True),
        ({"subtype": "bot_message", "ts": "1.1"}, True),
        ({"username": "Alertmanager", "ts": "1.1"}, True),
        ({}, True),
        ({"user": "U1", "ts": "1.1"}, False),
        ({"user": "U1", "username": "ann", "ts": "1.1"}, False),
        ({"ts": "1.1", "type": "message"}, False),
        ({"bot_id": None, "bot_profile": {}, "user": "U1", "ts": "1.1"}, False),
        ({"bot_id": "B1", "client_msg_id": "m", "user": "U1"}, False),
        ({"bot_id": "B1", "subtype": "channel_join"}, False),
        ({"bot_id": "B1", "subtype": ["x"]}, False),
    ],
)
def test_only_a_program_opens_an_incident(identity: dict[str, Any], opens: bool) -> None:
    assert (classify({**ALERT, **identity}).action is Action.OPEN) is opens


def test_a_file_with_a_sequence_gets_one_answer_per_message() -> None:
    resolved = {"attachments": [{"title": "[RESOLVED] DiskFull (node critical)"}]}
    got = judge({"_note": "x", "sequence": [{"payload": ALERT}, {"payload": resolved}]})
    assert [one.action for one in got] == [Action.OPEN, Action.CLOSE]


def test_a_body_as_a_tool_sends_it_is_marked_as_a_bots() -> None:
    assert unwrap(ALERT)["subtype"] == "bot_message"
    assert unwrap({"event": {"user": "U1", "text": "x"}}) == {"user": "U1", "text": "x"}


def test_the_json_form_names_everything() -> None:
    shown = to_json(classify(card("[FIRING:2] DiskFull (node critical)")))
    assert list(shown) == [
        *("action", "service", "alert", "priority", "severity", "pair_key", "count"),
        *("tool", "confidence", "rule", "start", "duration"),
    ]
    assert (shown["action"], shown["count"], shown["tool"]) == ("open_incident", 2, "alertmanager")


def test_a_hostile_text_costs_little() -> None:
    for piece in (
        "service",
        "x",
        ".:",
        "<https://sentry/issues/1?",
        "[",
        "<",
        '"',
        "a:",
        "is ",
        "https://sentry/",
        "1.1.",
        "\n- a",
        "`x`",
        "🔥",
    ):
        text = (piece * 40_000)[:40_000]
        attachment = {"title": f"[FIRING:1] {text}", "text": text, "fallback": text, "footer": text}
        assert classify(bot(text, name="sentry", attachments=[attachment])) is not None
