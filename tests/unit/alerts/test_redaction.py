"""A captured message tells what the alert is and nothing about whose it is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ratchet.alerts import classify
from ratchet.alerts.redaction import redact
from tests.unit.alerts.payloads import bot, card, fields


def shown(message: dict[str, Any], *names: str) -> str:
    return json.dumps(redact(message, names=names), ensure_ascii=False)


SECRET = [
    ("mail jane.doe@acme.com.", "jane", "doe", "acme"),
    ("<mailto:jane@acme.io|jane@acme.io>", "jane", "acme"),
    ("<@U0123ABCD|jane.doe> and <@U0123ABCD>", "U0123ABCD", "jane"),
    (
        "<!subteam^S0123ABCD|@oncall-acme> <#C0123ABCD|secret-launch>",
        "S0123ABCD",
        "acme",
        "secret",
        "C0123ABCD",
    ),
    ("<!date^1700000000^{date}^https://acme.com/x|by Jane Doe>", "acme", "Jane"),
    ("https://bob:hunter2@alerts.acme.internal:9093/#/alerts", "bob", "hunter2", "acme"),
    ("https://acme.pagerduty.com/incidents/Q1A2B3C4D5E6F7", "acme", "Q1A2B3C4D5E6F7"),
    (
        "https://grafana.acme.dev/d/x?var-user=jane&var-db=payments_eu&token=abc",
        "acme",
        "jane",
        "payments",
        "abc",
    ),
    ("https://x.io/u/jane.doe@acme.com/%6aane?q=10.1.2.3", "jane", "acme", "10.1.2.3"),
    ("10.0.0.1.acme.com 10.1.2.3:9100 fe80::1ff:fe23:4567:890a ::1f", "acme", "10.", "fe80", "1ff", "::1f"),
    ("web-1.prod.acme.internal:9100 and WEB-1.PROD.ACME.INTERNAL", "acme", "ACME", "web-1", "WEB-1"),
    ("+49 170 1234567 or +1 (555) 010-9999", "1234567", "9999"),
    ("550e8400-e29b-41d4-a716-446655440000", "550e8400"),
    ("team T0123ABCDE, user W9ABCDEFGH", "T0123ABCDE", "W9ABCDEFGH"),
    ("key Zk3J9dP2mQ7xV4bN8tR1cY6w", "Zk3J9dP2mQ7xV4bN8tR1cY6w"),
    ("Resolved by Jane Doe, assigned to: *Omar Ben-Ali*; jane said so", "Jane", "Doe", "Omar", "Ali", "jane"),
    ("host: db-7 failed; see db-7 and DB-7/metrics", "db-7", "DB-7"),
    ("*instance:* `db-9` and `db-9`", "db-9"),
    ("ask @jane-doe in #acme-secrets", "jane", "acme"),
    ("\ue0000\ue001 jane@acme.com \ue0001\ue001", "jane", "acme"),
    ("Zoë Müller wrote; ZOË too; müller's", "Zoë", "ZOË", "üller"),
    ("山田太郎さんが確認しました", "山田"),
]


@pytest.mark.parametrize("case", SECRET, ids=lambda case: case[0][:30])
def test_nothing_of_these_is_left(case: tuple[str, ...]) -> None:
    text, *secrets = case
    places = bot(text, attachments=[{"title": text, "text": text, "fallback": text}])
    places["attachments"][0]["fields"] = [{"title": text, "value": text}]
    places["blocks"] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}, "fields": [{"text": text}]}
    ]
    places[text] = {"deep": [[text]]}
    left = shown(places, "Zoë Müller", "山田太郎")
    assert [secret for secret in secrets if secret in left] == []


def test_keys_that_name_people_and_accounts_are_emptied_or_replaced() -> None:
    message = bot(
        "jane fixed it",
        user_profile={"real_name": "Jane Doe"},
        bot_profile={"id": "B0ACME", "name": "Alertmanager", "icons": {"x": "https://acme.com/i"}},
        edited={"user": "U0JANE", "ts": "1700000001.000100"},
        reactions=[{"name": "eyes", "users": ["U0JANE"]}],
        files=[{"id": "F1", "url_private": "https://files.slack.com/T1/secret", "title": "graph"}],
        metadata={"event_payload": {"x": "secret"}},
        big=4912345678901,
        team="T0ACME",
    )
    left = shown(message)
    for secret in ("Jane", "jane", "B0ACME", "U0JANE", "T0ACME", "acme", "secret", "4912345678901", "F1"):
        assert secret not in left
    assert "1700000001.000100" in left


def test_what_a_button_sends_is_taken_out_and_what_a_field_shows_is_kept() -> None:
    button = {"type": "button", "action_id": "ack", "value": "jane|payload", "text": {"text": "Acknowledge"}}
    left = shown(
        card("X", fields=fields(Severity="critical"), blocks=[{"type": "actions", "elements": [button]}])
    )
    assert "payload" not in left
    assert "critical" in left
    assert "Acknowledge" in left


def test_the_same_value_has_the_same_placeholder() -> None:
    message = bot(
        "<@U0123ABCD> db-1.acme.com",
        attachments=[{"text": "db-1.acme.com db-2.acme.com", "author_id": "U0123ABCD"}],
    )
    got = redact(message)
    person, host = got["text"].split()
    assert got["attachments"][0]["text"].split()[0] == host != got["attachments"][0]["text"].split()[1]
    assert got["attachments"][0]["author_id"] in person


def test_alert_words_colours_and_structure_stay() -> None:
    message = card(
        "[FIRING:1] KubePodCrashLooping prod checkout-api (monitoring/k8s critical)",
        "danger",
        text="*Summary:* p99 latency > 2s for 5m on main.py, rate 12.5%, 3/5 pods, v1.2.3",
        fields=fields(Severity="critical", State="ALARM"),
        ts=1700000000,
        footer="Grafana v10.1.2",
    )
    kept = {key: value for key, value in message.items() if key not in ("user", "bot_id")}
    got = redact(message)
    assert {key: value for key, value in got.items() if key not in ("user", "bot_id")} == kept


def test_a_redacted_alert_is_judged_as_before() -> None:
    message = card(
        "[FIRING:1] HighErrorRate checkout (critical)",
        title_link="https://alertmanager.acme.com/#/alerts?receiver=ops",
        text="Assigned to: Jane Doe",
    )
    before, after = classify(message), classify(redact(message, names=["High Error", "Page Critical"]))
    assert (after.action, after.alert, after.service) == (before.action, before.alert, before.service)


def test_redacting_again_changes_nothing() -> None:
    once = redact(bot("db-1.acme.com jane@acme.com <@U0123ABCD|jo> 10.1.2.3"))
    assert redact(once) == once


@pytest.mark.parametrize(
    "piece", ["a.", "a-", "@a", "by A ", "://", "<@", "a@", "1.", "a:", "ab1", "host:", "%41", "?a="]
)
def test_hostile_texts_cost_little(piece: str) -> None:
    began = time.thread_time()
    redact(bot(piece * (40_000 // len(piece))), names=[f"Name{n} Other{n}" for n in range(2000)])
    assert time.thread_time() - began < 3


def test_wrong_types_are_no_error() -> None:
    deep: Any = "jane@acme.com"
    for _ in range(500):
        deep = [deep]
    message = {
        "text": None,
        "attachments": {"x": [1, None, True]},
        "user": 5,
        "blocks": "b",
        "deep": deep,
        "f": 1.5,
    }
    assert "acme" not in shown(message)
