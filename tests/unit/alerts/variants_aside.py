"""A third of the hand-made payloads, kept aside while the parsers were written."""

from __future__ import annotations

from tests.unit.alerts.payloads import (
    AM,
    CLOSE,
    NONE,
    OPEN,
    Variant,
    bot,
    card,
    fields,
    header,
    section,
)

ASIDE = (
    Variant(
        "am instance, job and namespace",
        card("[FIRING:4] TooManyConnections (10.9.8.7:9187 postgres-exporter orders critical)"),
        OPEN,
        "TooManyConnections",
        "orders",
        "HIGH",
    ),
    Variant(
        "am three group labels",
        card("[FIRING:1] ErrorBudgetBurn prod checkout-api (shop page sre)"),
        OPEN,
        "ErrorBudgetBurn",
        "checkout-api",
        "HIGH",
    ),
    Variant(
        "am group of everything",
        card("[RESOLVED] ConsumerLag kafka-consumer payments warning eu-west-1 ", "2eb886"),
        CLOSE,
        "ConsumerLag",
        ...,
    ),
    Variant(
        "am snake case name",
        card("[FIRING:1] high_memory_usage (10.0.0.3:9100 node warning)"),
        OPEN,
        "high_memory_usage",
        "node",
        "LOW",
    ),
    Variant(
        "am dash between name and service",
        card("[FIRING:1] HighErrorRate - payments", title_link=AM),
        OPEN,
        "HighErrorRate",
        "payments",
    ),
    Variant(
        "am summary title, default fallback",
        card(
            "Payments are slow",
            text="p99 is 4s",
            fallback=f"[FIRING:1] LatencyHigh prod payments (warning) | {AM}",
            title_link=AM,
        ),
        OPEN,
        "LatencyHigh",
        "payments",
    ),
    Variant(
        "am labels with equals",
        card(
            "[RESOLVED] Payments are slow",
            "2eb886",
            text="alertname = LatencyHigh\nservice = payments\nseverity = warning",
        ),
        CLOSE,
        "LatencyHigh",
        "payments",
    ),
    Variant(
        "am block kit",
        bot(
            attachments=[
                {
                    "color": "a30200",
                    "blocks": [
                        header("[FIRING:2] LatencyHigh"),
                        section("*Service:* payments\n*Severity:* critical"),
                    ],
                }
            ]
        ),
        OPEN,
        "LatencyHigh",
        "payments",
        "HIGH",
    ),
    Variant("am watchdog with namespace", card("[FIRING:1] monitoring (Watchdog monitoring/k8s none)"), NONE),
    Variant(
        "grafana with job only",
        card(
            "[FIRING:2] DiskFull Infra (node critical)",
            "d63232",
            text="**Firing**\n\nLabels:\n - alertname = DiskFull\n - grafana_folder = Infra\n - job "
            "= node\n - severity = critical",
            footer="Grafana v10.4.1",
        ),
        OPEN,
        "DiskFull",
        "node",
        "HIGH",
    ),
    Variant(
        "grafana by bot profile",
        card(
            "[RESOLVED] DiskFull Infra (node critical)",
            "36a64f",
            name="Grafana",
            text="**Resolved**\n\nLabels:\n - alertname = DiskFull\n - service = storage",
        ),
        CLOSE,
        "DiskFull",
        "storage",
    ),
    Variant(
        "oncall silenced",
        bot(
            name="Grafana OnCall",
            attachments=[
                {
                    "color": "dddddd",
                    "blocks": [
                        section("<https://g.example.org/a/grafana-oncall-app/alert-groups/I2|#43 DiskFull>"),
                        section("Status: firing"),
                    ],
                }
            ],
        ),
        NONE,
    ),
    Variant(
        "kuma group path",
        bot("[prod / api] [🔴 Down] Request failed with status code 502", name="kuma-bot"),
        OPEN,
        "prod / api",
        ...,
    ),
    Variant("kuma maintenance", bot("[prod / api] [🔧 Maintenance] Monitor under maintenance"), NONE),
    Variant(
        "zabbix without link",
        bot(
            name="Zabbix",
            attachments=[
                {
                    "title": "Problem: Interface eth0: Link down",
                    "color": "#E97659",
                    "fields": fields(Host="sw-1", Severity="Average"),
                }
            ],
        ),
        OPEN,
        "Interface eth0: Link down",
        "sw-1",
        "LOW",
    ),
    Variant(
        "datadog recovered with scope",
        card("Recovered: Queue is long on service:mailer", "2eb886", name="Datadog"),
        CLOSE,
        "Queue is long",
        "mailer",
    ),
    Variant(
        "datadog warn",
        card(
            "Warn: Queue is long",
            "daa038",
            title_link="https://app.datadoghq.com/monitors/5?group=service%3Amailer",
        ),
        OPEN,
        "Queue is long",
        "mailer",
        "LOW",
    ),
    Variant(
        "sentry issue resolved by an edit",
        bot(
            "[shop] ValueError: bad",
            name="Sentry",
            blocks=[
                section(":white_circle: <https://acme.sentry.io/issues/5/|*ValueError: bad*>"),
                section("*Issue resolved by <@U1>*"),
                {
                    "type": "context",
                    "elements": [
                        {"type": "mrkdwn", "text": "Project: <https://acme.sentry.io/projects/shop/|shop>"}
                    ],
                },
            ],
        ),
        CLOSE,
        "ValueError: bad",
        "shop",
    ),
    Variant(
        "opsgenie closed",
        card(
            "Closed alert: #46353",
            "2eb886",
            text='"Disk is full"',
            title_link="https://opsg.in/a/i/acme/abc-1",
        ),
        CLOSE,
        "Disk is full",
    ),
    Variant(
        "pagerduty blocks",
        bot(
            "",
            name="PagerDuty",
            blocks=[
                section(
                    ":large_red_circle: *Triggered*: "
                    "<https://acme.pagerduty.com/incidents/Q1ABC|Redis is out of memory>"
                ),
                section("*Service:* <https://acme.pagerduty.com/services/P1|Cache>\n*Urgency:* High"),
            ],
        ),
        OPEN,
        "Redis is out of memory",
        "Cache",
        "HIGH",
    ),
    Variant(
        "sns mail subject",
        bot('ALARM: "orders-dlq" in US East (N. Virginia)', name="AWS"),
        OPEN,
        "orders-dlq",
        ...,
        "HIGH",
    ),
    Variant(
        "amazon q ok",
        bot(
            "",
            name="Amazon Q",
            attachments=[
                {
                    "color": "2eb886",
                    "title": ":white_check_mark: CloudWatch Alarm | orders-dlq | us-east-1 | "
                    "Account: 123456789012",
                }
            ],
        ),
        CLOSE,
        "orders-dlq",
    ),
    Variant(
        "nagios mail form",
        bot("** PROBLEM Service Alert: web-3/disk is CRITICAL **", name="nagios"),
        OPEN,
        "disk",
        "web-3",
        "HIGH",
    ),
    Variant(
        "nagios recovery",
        card("Host RECOVERY notification", "2eb886", text="Host: web-3\nState: UP"),
        CLOSE,
        "host down",
        "web-3",
    ),
    Variant(
        "better stack acknowledged",
        bot("Ann acknowledged shop.example.org incident", name="Better Stack"),
        NONE,
    ),
    Variant(
        "github app failed run",
        bot(":x: Workflow <https://github.com/acme/shop/actions/runs/9|deploy #7> failed", name="GitHub"),
        OPEN,
        "Workflow deploy failed",
        "acme/shop",
    ),
    Variant(
        "new relic closed",
        card(
            "Memory above 90% on 'cart'",
            "2eb886",
            name="New Relic",
            fields=fields(State="CLOSED"),
            title_link="https://radar-api.service.newrelic.com/accounts/1/issues/0ea2df1c-adab-45d2-aae0-042b609d2322",
        ),
        CLOSE,
        ...,
        "cart",
    ),
    Variant(
        "incident.io announcement",
        bot(
            "",
            name="incident.io",
            blocks=[header("🔥 Payments are failing"), section("*Status:* Investigating\n*Severity:* Major")],
        ),
        OPEN,
    ),
    Variant("checkly", bot('Check "Login flow" has failed', name="Checkly"), OPEN, "Login flow"),
    Variant(
        "pingdom recovered",
        bot("PingdomAlert UP: shop (shop.example.org) is UP again", name="Pingdom"),
        CLOSE,
        "shop",
    ),
    Variant(
        "script with severity field",
        card("ALERT: replica lag", "ff0000", fields=fields(Service="orders-db", Severity="critical")),
        OPEN,
        "replica lag",
        "orders-db",
        "HIGH",
    ),
    Variant(
        "script closes",
        card("RECOVERED: replica lag", "36a64f", fields=fields(Service="orders-db")),
        CLOSE,
        "replica lag",
        "orders-db",
    ),
    Variant("script sentence", bot("🔴 payments-api is down", name="monitor"), OPEN, "payments-api"),
    Variant("script sentence back", bot("🟢 payments-api is back up", name="monitor"), CLOSE, "payments-api"),
    Variant(
        "a bot answers in a thread",
        bot("The alert HighErrorRate was resolved by restarting checkout.", thread_ts="0.9"),
        NONE,
    ),
    Variant("a release bot", card("Released: shop 2.0", "36a64f", text="All checks passed"), NONE),
    Variant("a calendar bot", bot("Reminder: on-call hand-over in 10 minutes", name="Google Calendar"), NONE),
    Variant(
        "a pull request",
        bot(
            name="GitHub",
            attachments=[
                {
                    "pretext": "Pull request merged by ann",
                    "title": "#9 Fix critical error in checkout",
                    "color": "2eb886",
                    "title_link": "https://github.com/acme/shop/pull/9",
                }
            ],
        ),
        NONE,
    ),
    Variant(
        "a person in a thread",
        {"type": "message", "user": "U1", "ts": "2.2", "thread_ts": "1.1", "text": "RESOLVED: restarted it"},
        NONE,
    ),
)
