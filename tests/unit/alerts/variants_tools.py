"""Tools with a form of their own."""

from __future__ import annotations

from tests.unit.alerts.payloads import CLOSE, NONE, OPEN, Variant, bot, card, fields, section

NAMED_TOOLS = (
    Variant(
        "robusta firing",
        bot(
            "Crashing pod checkout-7d9 in namespace shop",
            name="robusta",
            blocks=[section("🔥 *Prometheus Alert Firing* 🔴 *High*"), section("*Source:* `prod-eu`")],
            attachments=[
                {
                    "blocks": [
                        section(
                            "*Alert labels*\n• alertname `KubePodCrashLooping`\n• namespace "
                            "`shop`\n• pod `checkout-7d9`"
                        )
                    ]
                }
            ],
        ),
        OPEN,
        "KubePodCrashLooping",
        "shop",
        "HIGH",
        "high",
        "robusta",
    ),
    Variant(
        "robusta resolved",
        bot(
            "[RESOLVED] Crashing pod checkout-7d9",
            name="robusta",
            blocks=[section("✅ *Prometheus resolved* 🔴 *High*")],
            attachments=[{"blocks": [section("• alertname `KubePodCrashLooping`\n• namespace `shop`")]}],
        ),
        CLOSE,
        "KubePodCrashLooping",
        "shop",
    ),
    Variant(
        "kuma down as Slack stores it",
        bot("[shop web] [:red_circle: Down] connect ECONNREFUSED <!channel>", name="Uptime Kuma"),
        OPEN,
        "shop web",
        "shop web",
        ...,
        ...,
        "uptime_kuma",
    ),
    Variant("kuma up", bot("[shop web] [✅ Up] 200 - OK"), CLOSE, "shop web", "shop web"),
    Variant(
        "kuma certificate",
        bot(
            "[shop web][https://shop.example.org] server certificate shop.example.org will expire in 14 days"
        ),
        OPEN,
        ...,
        "shop web",
    ),
    Variant(
        "zabbix problem",
        card(
            "Problem: High CPU utilization (over 90% for 5m)",
            "E97659",
            fields=fields(Host="db-1 [10.0.0.5]", Severity="High"),
            title_link="https://z.example.org/tr_events.php?triggerid=11&eventid=22",
        ),
        OPEN,
        "High CPU utilization (over 90% for 5m)",
        "db-1",
        "HIGH",
        "high",
        "zabbix",
    ),
    Variant(
        "zabbix resolved",
        card("Resolved in 1h 5m 3s: Disk is full", "009900", fields=fields(Host="db-1", Severity="Average")),
        CLOSE,
        "Disk is full",
        "db-1",
    ),
    Variant(
        "zabbix comment",
        card("Updated problem in 4m: Disk is full", "FFC859", fields=fields(Host="db-1", Severity="Average")),
        NONE,
    ),
    Variant(
        "datadog with priority and scope",
        card("[Triggered on {service:checkout}] [P1] Error rate is high", "d92534", name="Datadog"),
        OPEN,
        "Error rate is high",
        "checkout",
        "HIGH",
    ),
    Variant(
        "datadog no data",
        card(
            "No data: Heartbeat of the importer",
            name="Datadog",
            title_link="https://app.datadoghq.com/monitors/77?group=total",
        ),
        OPEN,
        "Heartbeat of the importer",
    ),
    Variant(
        "sentry metric critical",
        bot(
            name="Sentry",
            attachments=[
                {
                    "color": "FA4747",
                    "blocks": [
                        section(
                            "<https://acme.sentry.io/alerts/rules/details/7/?alert=99|*Critical: "
                            "p95 of checkout*>\n312 events in the last 10 minutes\nStarted: "
                            "<!date^1700000000^{date}|then>"
                        )
                    ],
                }
            ],
        ),
        OPEN,
        "p95 of checkout",
        ...,
        "HIGH",
        "critical",
    ),
    Variant(
        "sentry metric resolved in thread",
        bot(
            name="Sentry",
            thread_ts="0.5",
            attachments=[
                {
                    "color": "4DC771",
                    "blocks": [
                        section(
                            "<https://acme.sentry.io/alerts/rules/details/7/?alert=99|*Resolved: "
                            "p95 of checkout*>"
                        )
                    ],
                }
            ],
        ),
        CLOSE,
        "p95 of checkout",
    ),
    Variant(
        "opsgenie acknowledged",
        card("Acknowledged alert: #46353", "F4511E", name="Opsgenie", text='"Disk is full"'),
        NONE,
    ),
    Variant(
        "pagerduty triggered",
        bot(
            "*Triggered* <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>",
            name="PagerDuty",
            attachments=[{"fields": fields(Service="Checkout", Urgency="High")}],
        ),
        OPEN,
        "Checkout latency",
        "Checkout",
        "HIGH",
    ),
    Variant(
        "pagerduty resolved",
        bot(
            "*Resolved* <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>", name="PagerDuty"
        ),
        CLOSE,
        "Checkout latency",
    ),
    Variant(
        "pagerduty acknowledged",
        bot(
            "*Acknowledged* by Ann: <https://acme.pagerduty.com/incidents/PX1|[#812] Checkout latency>",
            name="PagerDuty",
        ),
        NONE,
    ),
    Variant(
        "cloudwatch sentence",
        bot("The alarm checkout-5xx changed state to ALARM: Threshold Crossed", name="Alarm notification"),
        OPEN,
        "checkout-5xx",
        ...,
        "HIGH",
    ),
    Variant(
        "cloudwatch sentence ok",
        bot("The alarm checkout-5xx changed state to OK: Threshold Crossed"),
        CLOSE,
        "checkout-5xx",
    ),
    Variant(
        "amazon q card",
        bot(
            "",
            name="Amazon Q",
            attachments=[
                {
                    "color": "d13212",
                    "title": ":rotating_light: CloudWatch Alarm | checkout-5xx | us-east-1 | "
                    "Account: 123456789012",
                }
            ],
        ),
        OPEN,
        "checkout-5xx",
    ),
    Variant(
        "nagios problem",
        card("Service PROBLEM notification", text="Host: web-3\nService: disk /var\nState: CRITICAL"),
        OPEN,
        "disk /var",
        "web-3",
        "HIGH",
    ),
    Variant("nagios downtime", card("Host DOWNTIMESTART notification", text="Host: web-3\nState: UP"), NONE),
    Variant(
        "icinga acknowledgement",
        bot(
            name="icinga2",
            attachments=[
                {
                    "fallback": "ACKNOWLEDGEMENT - CRITICAL: web-1 - http",
                    "fields": fields(Type="ACKNOWLEDGEMENT", State="CRITICAL", Host="web-1", Service="http"),
                }
            ],
        ),
        NONE,
    ),
    Variant(
        "better stack new",
        bot("New incident for shop.example.org: Status 503", name="Better Stack"),
        OPEN,
        ...,
        "shop.example.org",
        ...,
        ...,
        "better_stack",
    ),
    Variant(
        "better stack resolved",
        bot("Automatically resolved shop.example.org incident", name="Better Stack"),
        CLOSE,
        ...,
        "shop.example.org",
    ),
    Variant(
        "keep resolved",
        card("Resolved: Disk full on db", "2eb886", name="Keep", fields=fields(Host="db-1")),
        CLOSE,
        "Disk full on db",
        "db-1",
    ),
    Variant(
        "gatus triggered",
        card(
            ":helmet_with_white_cross: Gatus",
            "DD0000",
            text="An alert for *core/checkout* has been triggered due to having failed 3 time(s) in a row",
        ),
        OPEN,
        "core/checkout",
        ...,
        ...,
        ...,
        "gatus",
    ),
    Variant(
        "gatus resolved",
        card(
            ":helmet_with_white_cross: Gatus",
            "36A64F",
            text="An alert for *core/checkout* has been resolved after passing successfully 2 "
            "time(s) in a row",
        ),
        CLOSE,
        "core/checkout",
    ),
    Variant(
        "terraform cloud errored",
        card("Run Errored", "c62b2b", name="Terraform Cloud", fields=fields(Workspace="prod-net")),
        OPEN,
        ...,
        "prod-net",
    ),
    Variant("terraform cloud applied", card("Run Applied", "2eb886", name="Terraform Cloud"), NONE),
    Variant(
        "8398a7 failed",
        bot(
            ":no_entry: Failed GitHub Actions",
            name="8398a7@action-slack",
            attachments=[
                {
                    "color": "danger",
                    "fields": fields(repo="acme/shop", workflow="release", ref="refs/heads/main"),
                }
            ],
        ),
        OPEN,
        "release",
        "acme/shop",
    ),
    Variant(
        "8398a7 succeeded",
        bot(
            ":white_check_mark: Succeeded GitHub Actions",
            name="8398a7@action-slack",
            attachments=[{"color": "good", "fields": fields(repo="acme/shop", workflow="release")}],
        ),
        NONE,
    ),
)
