"""Alertmanager, Grafana and Grafana OnCall."""

from __future__ import annotations

from tests.unit.alerts.payloads import AM, CLOSE, NONE, OPEN, Variant, bot, card, section

ALERTMANAGER = (
    Variant(
        "am default",
        card("[FIRING:1] DiskFull prod-us1 billing (node01:9100 node critical)"),
        OPEN,
        "DiskFull",
        "billing",
        "HIGH",
    ),
    Variant(
        "am site prefix in the bracket",
        card("[VA1 FIRING:1] HostOutOfMemory (10.1.2.3:9100 node warning)"),
        OPEN,
        "HostOutOfMemory",
        "node",
        "LOW",
    ),
    Variant(
        "am namespace first, no alert name",
        card("[FIRING:2] shop (monitoring/k8s warning)"),
        OPEN,
        None,
        "shop",
        "LOW",
    ),
    Variant(
        "am grouped by namespace, one alert",
        card("[FIRING:1] shop (KubeJobFailed checkout-1 monitoring/k8s warning)"),
        OPEN,
        "KubeJobFailed",
        "shop",
    ),
    Variant(
        "am kube-prometheus label set",
        card(
            "[FIRING:1] HighErrorRate (main http 10.2.3.4:8080 checkout-api shop "
            "checkout-api-7d9f8c6b5-x2x9z monitoring/k8s checkout-api critical)"
        ),
        OPEN,
        "HighErrorRate",
        "checkout-api",
        "HIGH",
    ),
    Variant(
        "am service before severity",
        card("[FIRING:1] LatencyHigh (shop payments-api page)"),
        OPEN,
        "LatencyHigh",
        "payments-api",
        "HIGH",
        "page",
    ),
    Variant(
        "am only a team",
        card("[RESOLVED] BackupTooOld (critical sre)", "2eb886"),
        CLOSE,
        "BackupTooOld",
        None,
    ),
    Variant(
        "am name in plain words",
        card("[FIRING:1] High CPU usage prod-eu1 checkout (warning)"),
        OPEN,
        "High CPU usage",
        "checkout",
    ),
    Variant(
        "am labels in the text",
        card(
            "[FIRING:1] :fire: Queue grows",
            text="*Alert:* Queue grows - `high`\n • *alertname:* `QueueGrows`\n • *service:* "
            "`mailer`\n • *severity:* `high`",
            title_link=AM,
        ),
        OPEN,
        "QueueGrows",
        "mailer",
        "HIGH",
        "high",
    ),
    Variant(
        "am title and text custom, fallback default",
        card(
            ":lgtm: Queue drained",
            "2eb886",
            text="fine again",
            title_link=AM,
            fallback=f"[RESOLVED] QueueGrows mailer (critical) | {AM}",
        ),
        CLOSE,
        "QueueGrows",
        "mailer",
    ),
    Variant(
        "am all custom, link and colour",
        card("🔥 Alert: QueueGrows", text="*service:* mailer", title_link=AM, fallback="something"),
        OPEN,
        ...,
        "mailer",
    ),
    Variant(
        "am all custom, closed by colour",
        card("Alert: QueueGrows", "2eb886", text="*service:* mailer", title_link=AM, fallback="something"),
        CLOSE,
    ),
    Variant("am heartbeat", card("[FIRING:1] DeadMansSwitch (none)"), NONE),
    Variant("am inhibitor", card("[FIRING:1] InfoInhibitor (shop none)"), NONE),
    Variant("am severity none", card("[FIRING:1] ChattyThing (shop none)"), NONE),
    Variant(
        "am name for job",
        card('[FIRING:3] InstanceDown for mysql (job="mysql", severity="critical")'),
        OPEN,
        "InstanceDown",
        "mysql",
        "HIGH",
    ),
    Variant(
        "am lower case status",
        card("[firing:2] PodRestarts (checkout warning)"),
        OPEN,
        "PodRestarts",
        "checkout",
    ),
    Variant("am in top-level text", bot("[FIRING:1] NodeDown2 (db critical)"), OPEN, "NodeDown2", "db"),
    Variant(
        "am two attachments, firing wins",
        bot(
            attachments=[
                {"title": "[RESOLVED] DiskA (db)", "color": "2eb886"},
                {"title": "[FIRING:1] DiskB (db)", "color": "a30200"},
            ]
        ),
        OPEN,
        "DiskB",
        "db",
    ),
    Variant(
        "am silence link names the labels",
        card(
            "[FIRING:1] whatever",
            text="<http://am.example.org/#/silences/new?filter=%7Balertname%3D%22CacheCold%22%2C%20service%3D%22catalog%22%7D|Silence>",
        ),
        OPEN,
        "CacheCold",
        "catalog",
    ),
)

GRAFANA = (
    Variant(
        "grafana partly resolved",
        card(
            "[FIRING:1, RESOLVED:2] SlowQueries DB (db1)",
            "d63232",
            text="**Firing**\n\nLabels:\n - alertname = SlowQueries\n - service = orders-db\n - "
            "severity = warning\n\n**Resolved**\n",
            footer="Grafana v11.0.0",
        ),
        OPEN,
        "SlowQueries",
        "orders-db",
        "LOW",
        "warning",
        "grafana",
    ),
    Variant(
        "grafana own title",
        card(
            "SlowQueries again",
            "36a64f",
            text="**Resolved**\n\nLabels:\n - alertname = SlowQueries\n",
            title_link="https://grafana.example.org/alerting/grafana/u1/view",
        ),
        CLOSE,
        "SlowQueries",
    ),
    Variant(
        "grafana image reply",
        bot("*Firing*: SlowQueries, *Labels*: service=db", name="Grafana", thread_ts="0.9"),
        NONE,
    ),
    Variant(
        "grafana legacy no data",
        card("[No Data] Disk alert", "888888", footer="Grafana v7.1.0"),
        OPEN,
        "Disk alert",
    ),
    Variant("grafana legacy pending", card("[Pending] Disk alert", "888888", footer="Grafana v7.1.0"), NONE),
    Variant(
        "oncall firing with resolved count zero",
        bot(
            name="Grafana OnCall",
            attachments=[
                {
                    "color": "a30200",
                    "blocks": [
                        section(
                            "<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 "
                            "HighErrorRate (checkout critical)>"
                        ),
                        section(
                            "*Status:* firing :fire:\nFiring alerts – 1\nResolved alerts – "
                            "0\n*GroupLabels:*\n - service: checkout\nSeverity: critical"
                        ),
                    ],
                }
            ],
        ),
        OPEN,
        "HighErrorRate",
        "checkout",
        "HIGH",
    ),
    Variant(
        "oncall acknowledged",
        bot(
            name="Grafana OnCall",
            attachments=[
                {
                    "color": "daa038",
                    "blocks": [
                        section(
                            "<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 HighErrorRate>"
                        ),
                        section("Status: firing :fire:"),
                        section("Acknowledged by <@U1>"),
                    ],
                }
            ],
        ),
        NONE,
    ),
    Variant(
        "oncall resolved by a person",
        bot(
            name="Grafana OnCall",
            attachments=[
                {
                    "color": "2eb886",
                    "blocks": [
                        section(
                            "<https://g.example.org/a/grafana-oncall-app/alert-groups/I1|#42 HighErrorRate>"
                        ),
                        section("Status: firing :fire:"),
                        section("Resolved by <@U1>"),
                    ],
                }
            ],
        ),
        CLOSE,
        "HighErrorRate",
    ),
)
