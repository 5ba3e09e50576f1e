"""An open and its close share a key; two different incidents do not."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.alerts import classify
from ratchet.alerts.keys import same_text
from tests.unit.alerts.payloads import AM, bot, card, fields, section


def key(payload: dict[str, Any]) -> str:
    found = classify(payload).pair_key
    assert found
    return found


PAIRS = {
    "alertmanager": (
        card("[FIRING:1] DiskFull db (node1 critical)"),
        card("[RESOLVED] DiskFull db (node2 critical)", "2eb886"),
    ),
    "a group that grows": (
        card("[FIRING:1] CpuHigh (10.0.0.1:9100 node warning)"),
        card("[RESOLVED] CpuHigh (node warning)", "2eb886"),
    ),
    "datadog": (
        card(
            "Triggered: Queue",
            name="Datadog",
            title_link="https://app.datadoghq.com/monitors/5?group=env%3Aprod&event_id=1",
        ),
        card(
            "Recovered: Queue",
            name="Datadog",
            title_link="https://app.datadoghq.com/monitors/5?group=env%3Aprod&event_id=2",
        ),
    ),
    "zabbix new messages": (
        card("Problem: Disk full", fields=fields(Host="db-1", Severity="High")),
        card("Resolved in 5m 1s: Disk full", "009900", fields=fields(Host="db-1", Severity="High")),
    ),
    "kuma": (bot("[shop] [🔴 Down] timeout"), bot("[shop] [✅ Up] 200 - OK")),
    "pagerduty": (
        bot("*Triggered* <https://a.pagerduty.com/incidents/P1|[#8] Slow>", name="PagerDuty"),
        bot("*Resolved* <https://a.pagerduty.com/incidents/P1|[#8] Slow>", name="PagerDuty"),
    ),
    "better stack": (bot("New incident for shop: Status 503"), bot("Automatically resolved shop incident")),
    "cloudwatch": (
        bot("The alarm a-b changed state to ALARM: 3 points"),
        bot("The alarm a-b changed state to OK: 1 point"),
    ),
    "readings in the text": (
        bot("[CRITICAL] Disk usage on web-1 is 92.5%"),
        bot("[OK] Disk usage on web-1 is 41%"),
    ),
    "times in the text": (
        bot(":fire: ALERT: lag since 12:30:05"),
        bot(":white_check_mark: RESOLVED: lag since 12:31:00"),
    ),
    "sentence": (bot("🔴 payments-api is down"), bot("🟢 payments-api is back up")),
    "custom template": (
        card("Payments slow", text="*service:* pay", title_link=AM, fallback="x"),
        card("Payments slow", "2eb886", text="*service:* pay", title_link=AM, fallback="x"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_open_and_close_share_a_key(name: str) -> None:
    opened, closed = PAIRS[name]
    assert classify(opened).action == "open_incident"
    assert classify(closed).action == "close_incident"
    assert key(opened) == key(closed)


APART = {
    "names that differ in a digit": (card("[FIRING:1] NodeDown1 (db)"), card("[FIRING:1] NodeDown2 (db)")),
    "percentiles": (bot(":fire: ALERT: p99 > 2s on pay"), bot(":fire: ALERT: p50 > 2s on pay")),
    "thresholds": (bot(":fire: ALERT: p99 > 2s on pay"), bot(":fire: ALERT: p99 > 5s on pay")),
    "numbered things": (bot("[CRITICAL] Disk 1 failed"), bot("[CRITICAL] Disk 2 failed")),
    "hosts": (bot("[CRITICAL] web-1: no space"), bot("[CRITICAL] web-2: no space")),
    "services": (card("[FIRING:1] DiskFull db (node)"), card("[FIRING:1] DiskFull web (node)")),
    "receivers": (card("[FIRING:1] A (b)", title_link=AM), card("[FIRING:1] A (b)", title_link=f"{AM}2")),
    "senders": (card("[FIRING:1] A (b)"), {**card("[FIRING:1] A (b)"), "bot_id": "B2"}),
    "monitor groups": (
        card("Triggered: Q", name="Datadog", title_link="https://app.datadoghq.com/monitors/5?group=a"),
        card("Triggered: Q", name="Datadog", title_link="https://app.datadoghq.com/monitors/5?group=b"),
    ),
    "a certificate and its monitor": (
        bot("[shop] [🔴 Down] x"),
        bot("[shop] server certificate s will expire in 7 days"),
    ),
    "nagios services of one host": (
        card("Service PROBLEM notification", text="Host: w\nService: http\nState: CRITICAL"),
        card("Service PROBLEM notification", text="Host: w\nService: disk\nState: CRITICAL"),
    ),
}


@pytest.mark.parametrize("name", APART)
def test_different_incidents_have_different_keys(name: str) -> None:
    one, other = APART[name]
    assert key(one) != key(other)


def test_what_is_no_incident_has_no_key() -> None:
    assert classify(card("[FIRING:1] Watchdog (none)")).pair_key is None


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("[RESOLVED] Error rate is 8.3% on 10.0.0.1:9100", "rate on 10.0.0.1:9100"),
        ("CRITICAL: 12 errors in 5m30s", "errors in"),
        ("job 0ea2df1c-adab-45d2-aae0-042b609d2322 failed", "job"),
        ("p99 above 2s (now 3.4s)", "p99 above 2s"),
        ("Incident #42 triggered: NodeDown1", "incident #42 nodedown1"),
    ],
)
def test_free_text_loses_what_changes_between_open_and_close(title: str, kept: str) -> None:
    assert same_text(title) == kept


def test_oncall_and_sentry_are_paired_by_their_links() -> None:
    opened = bot(
        attachments=[{"color": "a30200", "blocks": [section("<https://g.example.org/alert-groups/I1|#4 A>")]}]
    )
    assert key(opened) == "oncall:alert_group:I1"
    issue = bot("[shop] E", name="Sentry", blocks=[section("<https://acme.sentry.io/issues/5/?x=1|*E*>")])
    assert key(issue) == "sentry:issue:5"
