"""Scripts and small tools, and what is no incident."""

from __future__ import annotations

from tests.unit.alerts.payloads import CLOSE, NONE, OPEN, Variant, bot, card, fields, header, section

OTHERS = (
    Variant(
        "script bracket critical",
        bot("[CRITICAL] Backup of orders-db failed"),
        OPEN,
        "Backup of orders-db failed",
        ...,
        "HIGH",
        "critical",
    ),
    Variant("script bracket ok", bot("[OK] Backup of orders-db failed"), CLOSE, "Backup of orders-db failed"),
    Variant(
        "emoji and a prefix",
        bot(":rotating_light: ALERT: p99 > 2s on checkout"),
        OPEN,
        "p99 > 2s on checkout",
    ),
    Variant(
        "emoji and resolved",
        bot(":white_check_mark: RESOLVED: p99 > 2s on checkout"),
        CLOSE,
        "p99 > 2s on checkout",
    ),
    Variant(
        "uptimerobot",
        bot(
            "Monitor is DOWN: Shop ( https://shop.example.org ) - Reason: Connection timeout",
            name="UptimeRobot",
        ),
        OPEN,
        "Shop",
    ),
    Variant(
        "uptimerobot up",
        bot(
            "Monitor is UP: Shop ( https://shop.example.org ). It was down for 4 minutes", name="UptimeRobot"
        ),
        CLOSE,
        "Shop",
    ),
    Variant(
        "healthchecks",
        bot('The check "nightly import" is DOWN.', name="Healthchecks.io"),
        OPEN,
        "nightly import",
    ),
    Variant("hyperdx", bot('🚨 Alert for "Errors in checkout" - 12 lines found'), OPEN, "Errors in checkout"),
    Variant(
        "hyperdx over",
        bot(':white_check_mark: Alert for "Errors in checkout" - 0 lines found'),
        CLOSE,
        "Errors in checkout",
    ),
    Variant(
        "new relic activated",
        card(
            "Memory above 90% on 'cart'",
            name="New Relic",
            text="Issue activated",
            fields=fields(Priority="CRITICAL", State="ACTIVATED"),
            title_link="https://radar-api.service.newrelic.com/accounts/1/issues/0ea2df1c-adab-45d2-aae0-042b609d2322",
        ),
        OPEN,
        ...,
        "cart",
        "HIGH",
    ),
    Variant(
        "statuspage resolved",
        bot("*Resolved* - Payments are delayed\nThis incident has been resolved.", name="Statuspage"),
        CLOSE,
    ),
)

LATER = (
    Variant(
        "mention before the status",
        card("x", pretext="<!channel> *FIRING:* LatencyHigh", text="*Service:* cart"),
        OPEN,
        "LatencyHigh",
        "cart",
    ),
    Variant(
        "columns",
        bot("🚨 *CRITICAL* | checkout | Error rate 8.3% > 5%"),
        OPEN,
        "Error rate 8.3% > 5%",
        "checkout",
        "HIGH",
    ),
    Variant(
        "is firing for", bot("Prometheus alert *LatencyHigh* is firing for cart"), OPEN, "LatencyHigh", "cart"
    ),
    Variant(
        "service is down", bot("Service checkout is DOWN", name="Consul Alerts"), OPEN, "checkout", "checkout"
    ),
    Variant("am bold and a column", bot("*[FIRING:2] KubePodNotReady* | prod"), OPEN, "KubePodNotReady"),
    Variant(
        "am bracket before the bracket",
        card("[PROD] [FIRING:1] LatencyHigh (cart critical)"),
        OPEN,
        "LatencyHigh",
        "cart",
        "HIGH",
    ),
    Variant(
        "am place before the name", card("[FIRING:3] prod InstanceDown (node)"), OPEN, "InstanceDown", "node"
    ),
    Variant(
        "header block",
        bot(blocks=[header("✅ Resolved: LatencyHigh"), section("*Service:* cart")]),
        CLOSE,
        "LatencyHigh",
        "cart",
    ),
)

NOTHING = (
    Variant(
        "a person quotes an alert",
        {
            "type": "message",
            "user": "U1",
            "ts": "1.1",
            "text": "[FIRING:1] HighErrorRate (checkout critical)",
        },
        NONE,
    ),
    Variant(
        "a person says resolved", {"type": "message", "user": "U1", "ts": "1.1", "text": "resolved!"}, NONE
    ),
    Variant(
        "a person shares an alert as an attachment",
        {
            "type": "message",
            "user": "U1",
            "ts": "1.1",
            "text": "look",
            "client_msg_id": "x",
            "attachments": [{"title": "[FIRING:1] HighErrorRate", "color": "a30200"}],
        },
        NONE,
    ),
    Variant(
        "a bot joins",
        {
            "type": "message",
            "subtype": "bot_add",
            "bot_id": "B1",
            "user": "U1",
            "ts": "1.1",
            "text": "[FIRING:1] x",
        },
        NONE,
    ),
    Variant(
        "slackbot",
        {
            "type": "message",
            "user": "USLACKBOT",
            "bot_id": "B0",
            "ts": "1.1",
            "text": "Reminder: resolved: the alert.",
        },
        NONE,
    ),
    Variant("a deploy bot", bot("✅ Deployed shop v1.2.3 to production"), NONE),
    Variant("a stand-up bot", bot("New: what did you do yesterday?"), NONE),
    Variant(
        "a ticket closed",
        card("Closed: SHOP-12 Fix the footer", "36a64f", name="Jira Cloud", text="Ann closed this"),
        NONE,
    ),
    Variant(
        "a github issue about being down",
        bot(
            name="GitHub",
            attachments=[
                {
                    "pretext": "[acme/shop] Issue opened by ann",
                    "title": "#12 Site is down",
                    "color": "a30200",
                    "title_link": "https://github.com/acme/shop/issues/12",
                }
            ],
        ),
        NONE,
    ),
    Variant("a poll bot", bot("Shall we go up: yes or no?"), NONE),
    Variant(
        "a deleted message",
        {
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": {"bot_id": "B1", "text": "[FIRING:1] x"},
        },
        NONE,
    ),
)
