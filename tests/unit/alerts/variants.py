"""Payloads written by hand in the forms that tools use, each with the answer a person would give.

`...` in an answer means: not judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPEN, CLOSE, NONE = "open_incident", "close_incident", "none"
AM = "http://alertmanager.example.org:9093/#/alerts?receiver=team-a"


@dataclass(frozen=True)
class Variant:
    """`alert` and `service` are compared unless they are `...`."""

    name: str
    payload: Mapping[str, Any]
    action: str
    alert: Any = ...
    service: Any = ...
    priority: Any = ...
    severity: Any = ...
    tool: Any = ...


def bot(text: str = "", *, name: str = "", **more: Any) -> dict[str, Any]:
    """A message as Slack delivers it from a bot."""
    profile = {"bot_profile": {"id": "B1", "name": name}} if name else {}
    return {"type": "message", "ts": "1.1", "bot_id": "B1", "user": "UBOT", "text": text, **profile, **more}


def card(
    title: str, colour: str = "a30200", *, name: str = "", text: str = "", **more: Any
) -> dict[str, Any]:
    """A message with one attachment."""
    body = {"id": 1, "title": title, "fallback": title, "color": colour, "text": text, **more}
    return bot(name=name, attachments=[{key: value for key, value in body.items() if value}])


def fields(**values: str) -> list[dict[str, Any]]:
    return [{"title": key.replace("_", " "), "value": value, "short": True} for key, value in values.items()]


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


ALERTMANAGER = (
    Variant("am default", card("[FIRING:1] DiskFull prod-us1 billing (node01:9100 node critical)"), OPEN, "DiskFull", "billing", "HIGH"),
    Variant("am site prefix in the bracket", card("[VA1 FIRING:1] HostOutOfMemory (10.1.2.3:9100 node warning)"), OPEN, "HostOutOfMemory", "node", "LOW"),
    Variant("am namespace first, no alert name", card("[FIRING:2] shop (monitoring/k8s warning)"), OPEN, None, "shop", "LOW"),
    Variant("am grouped by namespace, one alert", card("[FIRING:1] shop (KubeJobFailed checkout-1 monitoring/k8s warning)"), OPEN, "KubeJobFailed", "shop"),
    Variant(
        "am kube-prometheus label set",
        card("[FIRING:1] HighErrorRate (main http 10.2.3.4:8080 checkout-api shop checkout-api-7d9f8c6b5-x2x9z monitoring/k8s checkout-api critical)"),
        OPEN, "HighErrorRate", "checkout-api", "HIGH",
    ),
    Variant("am service before severity", card("[FIRING:1] LatencyHigh (shop payments-api page)"), OPEN, "LatencyHigh", "payments-api", "HIGH", "page"),
    Variant("am only a team", card("[RESOLVED] BackupTooOld (critical sre)", "2eb886"), CLOSE, "BackupTooOld", None),
    Variant("am name in plain words", card("[FIRING:1] High CPU usage prod-eu1 checkout (warning)"), OPEN, "High CPU usage", "checkout"),
    Variant(
        "am labels in the text",
        card("[FIRING:1] :fire: Queue grows", text="*Alert:* Queue grows - `high`\n • *alertname:* `QueueGrows`\n • *service:* `mailer`\n • *severity:* `high`", title_link=AM),
        OPEN, "QueueGrows", "mailer", "HIGH", "high",
    ),
    Variant(
        "am title and text custom, fallback default",
        card(":lgtm: Queue drained", "2eb886", text="fine again", title_link=AM, fallback=f"[RESOLVED] QueueGrows mailer (critical) | {AM}"),
        CLOSE, "QueueGrows", "mailer",
    ),
    Variant("am all custom, link and colour", card("🔥 Alert: QueueGrows", text="*service:* mailer", title_link=AM, fallback="something"), OPEN, ..., "mailer"),
    Variant("am all custom, closed by colour", card("Alert: QueueGrows", "2eb886", text="*service:* mailer", title_link=AM, fallback="something"), CLOSE),
    Variant("am heartbeat", card("[FIRING:1] DeadMansSwitch (none)"), NONE),
    Variant("am inhibitor", card("[FIRING:1] InfoInhibitor (shop none)"), NONE),
    Variant("am severity none", card("[FIRING:1] ChattyThing (shop none)"), NONE),
    Variant("am name for job", card('[FIRING:3] InstanceDown for mysql (job="mysql", severity="critical")'), OPEN, "InstanceDown", "mysql", "HIGH"),
    Variant("am lower case status", card("[firing:2] PodRestarts (checkout warning)"), OPEN, "PodRestarts", "checkout"),
    Variant("am in top-level text", bot("[FIRING:1] NodeDown2 (db critical)"), OPEN, "NodeDown2", "db"),
    Variant(
        "am two attachments, firing wins",
        bot(attachments=[{"title": "[RESOLVED] DiskA (db)", "color": "2eb886"}, {"title": "[FIRING:1] DiskB (db)", "color": "a30200"}]),
        OPEN, "DiskB", "db",
    ),
    Variant(
        "am silence link names the labels",
        card("[FIRING:1] whatever", text="<http://am.example.org/#/silences/new?filter=%7Balertname%3D%22CacheCold%22%2C%20service%3D%22catalog%22%7D|Silence>"),
        OPEN, "CacheCold", "catalog",
    ),
)  # fmt: skip

GRAFANA = (
    Variant(
        "grafana partly resolved",
        card("[FIRING:1, RESOLVED:2] SlowQueries DB (db1)", "d63232", text="**Firing**\n\nLabels:\n - alertname = SlowQueries\n - service = orders-db\n - severity = warning\n\n**Resolved**\n", footer="Grafana v11.0.0"),
        OPEN, "SlowQueries", "orders-db", "LOW", "warning", "grafana",
    ),
    Variant("grafana own title", card("SlowQueries again", "36a64f", text="**Resolved**\n\nLabels:\n - alertname = SlowQueries\n", title_link="https://grafana.example.org/alerting/grafana/u1/view"), CLOSE, "SlowQueries"),
    Variant("grafana image reply", bot("*Firing*: SlowQueries, *Labels*: service=db", name="Grafana", thread_ts="0.9"), NONE),
    Variant("grafana legacy no data", card("[No Data] Disk alert", "888888", footer="Grafana v7.1.0"), OPEN, "Disk alert"),
    Variant("grafana legacy pending", card("[Pending] Disk alert", "888888", footer="Grafana v7.1.0"), NONE),
    Variant(
        "oncall firing with resolved count zero",
        bot(name="Grafana OnCall", attachments=[{"color": "a30200", "blocks": [section("<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 HighErrorRate (checkout critical)>"), section("*Status:* firing :fire:\nFiring alerts – 1\nResolved alerts – 0\n*GroupLabels:*\n - service: checkout\nSeverity: critical")]}]),
        OPEN, "HighErrorRate", "checkout", "HIGH",
    ),
    Variant(
        "oncall acknowledged",
        bot(name="Grafana OnCall", attachments=[{"color": "daa038", "blocks": [section("<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 HighErrorRate>"), section("Status: firing :fire:"), section("Acknowledged by <@U1>")]}]),
        NONE,
    ),
    Variant(
        "oncall resolved by a person",
        bot(name="Grafana OnCall", attachments=[{"color": "2eb886", "blocks": [section("<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 HighErrorRate>"), section("Status: firing :fire:"), section("Resolved by <@U1>")]}]),
        CLOSE, "HighErrorRate",
    ),
)  # fmt: skip

NAMED_TOOLS = (
    Variant(
        "robusta firing",
        bot("Crashing pod checkout-7d9 in namespace shop", name="robusta", blocks=[section("🔥 *Prometheus Alert Firing* 🔴 *High*"), section("*Source:* `prod-eu`")], attachments=[{"blocks": [section("*Alert labels*\n• alertname `KubePodCrashLooping`\n• namespace `shop`\n• pod `checkout-7d9`")]}]),
        OPEN, "KubePodCrashLooping", "shop", "HIGH", "high", "robusta",
    ),
    Variant("robusta resolved", bot("[RESOLVED] Crashing pod checkout-7d9", name="robusta", blocks=[section("✅ *Prometheus resolved* 🔴 *High*")], attachments=[{"blocks": [section("• alertname `KubePodCrashLooping`\n• namespace `shop`")]}]), CLOSE, "KubePodCrashLooping", "shop"),
    Variant("kuma down as Slack stores it", bot("[shop web] [:red_circle: Down] connect ECONNREFUSED <!channel>", name="Uptime Kuma"), OPEN, "shop web", "shop web", ..., ..., "uptime_kuma"),
    Variant("kuma up", bot("[shop web] [✅ Up] 200 - OK"), CLOSE, "shop web", "shop web"),
    Variant("kuma certificate", bot("[shop web][https://shop.example.org] server certificate shop.example.org will expire in 14 days"), OPEN, ..., "shop web"),
    Variant("zabbix problem", card("Problem: High CPU utilization (over 90% for 5m)", "E97659", fields=fields(Host="db-1 [10.0.0.5]", Severity="High"), title_link="https://z.example.org/tr_events.php?triggerid=11&eventid=22"), OPEN, "High CPU utilization (over 90% for 5m)", "db-1", "HIGH", "high", "zabbix"),
    Variant("zabbix resolved", card("Resolved in 1h 5m 3s: Disk is full", "009900", fields=fields(Host="db-1", Severity="Average")), CLOSE, "Disk is full", "db-1"),
    Variant("zabbix comment", card("Updated problem in 4m: Disk is full", "FFC859", fields=fields(Host="db-1", Severity="Average")), NONE),
    Variant("datadog with priority and scope", card("[Triggered on {service:checkout}] [P1] Error rate is high", "d92534", name="Datadog"), OPEN, "Error rate is high", "checkout", "HIGH"),
    Variant("datadog no data", card("No data: Heartbeat of the importer", name="Datadog", title_link="https://app.datadoghq.com/monitors/77?group=total"), OPEN, "Heartbeat of the importer"),
    Variant("sentry metric critical", bot(name="Sentry", attachments=[{"color": "FA4747", "blocks": [section("<https://acme.sentry.io/alerts/rules/details/7/?alert=99|*Critical: p95 of checkout*>\n312 events in the last 10 minutes\nStarted: <!date^1700000000^{date}|then>")]}]), OPEN, "p95 of checkout", ..., "HIGH", "critical"),
    Variant("sentry metric resolved in thread", bot(name="Sentry", thread_ts="0.5", attachments=[{"color": "4DC771", "blocks": [section("<https://acme.sentry.io/alerts/rules/details/7/?alert=99|*Resolved: p95 of checkout*>")]}]), CLOSE, "p95 of checkout"),
    Variant("opsgenie acknowledged", card("Acknowledged alert: #46353", "F4511E", name="Opsgenie", text='"Disk is full"'), NONE),
    Variant("pagerduty triggered", bot("*Triggered* <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>", name="PagerDuty", attachments=[{"fields": fields(Service="Checkout", Urgency="High")}]), OPEN, "Checkout latency", "Checkout", "HIGH"),
    Variant("pagerduty resolved", bot("*Resolved* <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>", name="PagerDuty"), CLOSE, "Checkout latency"),
    Variant("pagerduty acknowledged", bot("*Acknowledged* by Ann: <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>", name="PagerDuty"), NONE),
    Variant("cloudwatch sentence", bot("The alarm checkout-5xx changed state to ALARM: Threshold Crossed", name="Alarm notification"), OPEN, "checkout-5xx", ..., "HIGH"),
    Variant("cloudwatch sentence ok", bot("The alarm checkout-5xx changed state to OK: Threshold Crossed"), CLOSE, "checkout-5xx"),
    Variant("amazon q card", bot("", name="Amazon Q", attachments=[{"color": "d13212", "title": ":rotating_light: CloudWatch Alarm | checkout-5xx | us-east-1 | Account: 123456789012"}]), OPEN, "checkout-5xx"),
    Variant("nagios problem", card("Service PROBLEM notification", text="Host: web-3\nService: disk /var\nState: CRITICAL"), OPEN, "disk /var", "web-3", "HIGH"),
    Variant("nagios downtime", card("Host DOWNTIMESTART notification", text="Host: web-3\nState: UP"), NONE),
    Variant("icinga acknowledgement", bot(name="icinga2", attachments=[{"fallback": "ACKNOWLEDGEMENT - CRITICAL: web-1 - http", "fields": fields(Type="ACKNOWLEDGEMENT", State="CRITICAL", Host="web-1", Service="http")}]), NONE),
    Variant("better stack new", bot("New incident for shop.example.org: Status 503", name="Better Stack"), OPEN, ..., "shop.example.org", ..., ..., "better_stack"),
    Variant("better stack resolved", bot("Automatically resolved shop.example.org incident", name="Better Stack"), CLOSE, ..., "shop.example.org"),
    Variant("keep resolved", card("Resolved: Disk full on db", "2eb886", name="Keep", fields=fields(Host="db-1")), CLOSE, "Disk full on db", "db-1"),
    Variant("gatus triggered", card(":helmet_with_white_cross: Gatus", "DD0000", text="An alert for *core/checkout* has been triggered due to having failed 3 time(s) in a row"), OPEN, "core/checkout", ..., ..., ..., "gatus"),
    Variant("gatus resolved", card(":helmet_with_white_cross: Gatus", "36A64F", text="An alert for *core/checkout* has been resolved after passing successfully 2 time(s) in a row"), CLOSE, "core/checkout"),
    Variant("terraform cloud errored", card("Run Errored", "c62b2b", name="Terraform Cloud", fields=fields(Workspace="prod-net")), OPEN, ..., "prod-net"),
    Variant("terraform cloud applied", card("Run Applied", "2eb886", name="Terraform Cloud"), NONE),
    Variant("8398a7 failed", bot(":no_entry: Failed GitHub Actions", name="8398a7@action-slack", attachments=[{"color": "danger", "fields": fields(repo="acme/shop", workflow="release", ref="refs/heads/main")}]), OPEN, "release", "acme/shop"),
    Variant("8398a7 succeeded", bot(":white_check_mark: Succeeded GitHub Actions", name="8398a7@action-slack", attachments=[{"color": "good", "fields": fields(repo="acme/shop", workflow="release")}]), NONE),
)  # fmt: skip

OTHERS = (
    Variant("script bracket critical", bot("[CRITICAL] Backup of orders-db failed"), OPEN, "Backup of orders-db failed", ..., "HIGH", "critical"),
    Variant("script bracket ok", bot("[OK] Backup of orders-db failed"), CLOSE, "Backup of orders-db failed"),
    Variant("emoji and a prefix", bot(":rotating_light: ALERT: p99 > 2s on checkout"), OPEN, "p99 > 2s on checkout"),
    Variant("emoji and resolved", bot(":white_check_mark: RESOLVED: p99 > 2s on checkout"), CLOSE, "p99 > 2s on checkout"),
    Variant("uptimerobot", bot("Monitor is DOWN: Shop ( https://shop.example.org ) - Reason: Connection timeout", name="UptimeRobot"), OPEN, "Shop"),
    Variant("uptimerobot up", bot("Monitor is UP: Shop ( https://shop.example.org ). It was down for 4 minutes", name="UptimeRobot"), CLOSE, "Shop"),
    Variant("healthchecks", bot('The check "nightly import" is DOWN.', name="Healthchecks.io"), OPEN, "nightly import"),
    Variant("hyperdx", bot('🚨 Alert for "Errors in checkout" - 12 lines found'), OPEN, "Errors in checkout"),
    Variant("hyperdx over", bot(':white_check_mark: Alert for "Errors in checkout" - 0 lines found'), CLOSE, "Errors in checkout"),
    Variant("new relic activated", card("Memory above 90% on 'cart'", name="New Relic", text="Issue activated", fields=fields(Priority="CRITICAL", State="ACTIVATED"), title_link="https://radar-api.service.newrelic.com/accounts/1/issues/0ea2df1c-adab-45d2-aae0-042b609d2322"), OPEN, ..., "cart", "HIGH"),
    Variant("statuspage resolved", bot("*Resolved* - Payments are delayed\nThis incident has been resolved.", name="Statuspage"), CLOSE),
)  # fmt: skip

NOTHING = (
    Variant("a person quotes an alert", {"type": "message", "user": "U1", "ts": "1.1", "text": "[FIRING:1] HighErrorRate (checkout critical)"}, NONE),
    Variant("a person says resolved", {"type": "message", "user": "U1", "ts": "1.1", "text": "resolved!"}, NONE),
    Variant("a person shares an alert as an attachment", {"type": "message", "user": "U1", "ts": "1.1", "text": "look", "client_msg_id": "x", "attachments": [{"title": "[FIRING:1] HighErrorRate", "color": "a30200"}]}, NONE),
    Variant("a bot joins", {"type": "message", "subtype": "bot_add", "bot_id": "B1", "user": "U1", "ts": "1.1", "text": "[FIRING:1] x"}, NONE),
    Variant("slackbot", {"type": "message", "user": "USLACKBOT", "bot_id": "B0", "ts": "1.1", "text": "Reminder: resolved: the alert."}, NONE),
    Variant("a deploy bot", bot("✅ Deployed shop v1.2.3 to production"), NONE),
    Variant("a stand-up bot", bot("New: what did you do yesterday?"), NONE),
    Variant("a ticket closed", card("Closed: SHOP-12 Fix the footer", "36a64f", name="Jira Cloud", text="Ann closed this"), NONE),
    Variant("a github issue about being down", bot(name="GitHub", attachments=[{"pretext": "[acme/shop] Issue opened by ann", "title": "#12 Site is down", "color": "a30200", "title_link": "https://github.com/acme/shop/issues/12"}]), NONE),
    Variant("a poll bot", bot("Shall we go up: yes or no?"), NONE),
    Variant("a deleted message", {"type": "message", "subtype": "message_deleted", "previous_message": {"bot_id": "B1", "text": "[FIRING:1] x"}}, NONE),
)  # fmt: skip

VARIANTS = (*ALERTMANAGER, *GRAFANA, *NAMED_TOOLS, *OTHERS, *NOTHING)
