"""What the redaction of captures goes by: keys of Slack's objects, labels, well-known domains and words."""

from __future__ import annotations

from typing import Final

from ratchet.alerts.words import CERTAIN_SEVERITIES, HEARTBEATS, HIGH, POSSIBLE_SEVERITIES, STATUS

# Whatever they hold says nothing about an alert.
DROPPED_KEYS: Final = frozenset(
    [
        *("user_profile", "icons", "image_url", "thumb_url", "author_icon", "footer_icon", "service_icon"),
        *("metadata", "event_payload", "private_metadata", "reactions", "reply_users", "replies", "root"),
        *(
            "previous_message",
            "authorizations",
            "event_context",
            "token",
            "verification_token",
            "image_bytes",
        ),
        *("url_private", "url_private_download", "permalink", "permalink_public", "edit_link", "preview"),
        *("preview_highlight", "response_url", "trigger_id", "room", "icon_url", "icon_emoji_url"),
    ]
)
DROPPED_PREFIXES: Final = ("thumb_", "image_", "avatar", "deanimate_")
ID_KEYS: Final = frozenset(
    [
        *(
            "user",
            "user_id",
            "bot_id",
            "team",
            "team_id",
            "app_id",
            "api_app_id",
            "channel",
            "channel_id",
            "id",
        ),
        *(
            "parent_user_id",
            "usergroup_id",
            "source_team",
            "user_team",
            "author_id",
            "inviter",
            "client_msg_id",
        ),
        *(
            "event_id",
            "conversation_id",
            "file_id",
            "service_id",
            "creator",
            "channel_team",
            "context_team_id",
        ),
    ]
)
OPAQUE_KEYS: Final = frozenset({"block_id", "action_id", "callback_id"})
NAME_KEYS: Final = frozenset(
    [
        *("real_name", "display_name", "first_name", "last_name", "name_normalized", "real_name_normalized"),
        *("author_name", "author_subname", "display_name_normalized", "full_name", "email", "phone"),
    ]
)
# What tools say in a query that tells an alert from others; the values are redacted like any text.
QUERY_KEYS: Final = frozenset(
    {
        "group",
        "filter",
        "matcher",
        "matchers",
        "triggerid",
        "eventid",
        "alertname",
        "name",
        "region",
        "panelid",
    }
)
PEOPLE_LABELS: Final = (
    *("by", "assignee", "assigned to", "assigned", "owner", "responder", "responders", "reporter", "author"),
    *("on-call", "on call", "oncall", "escalated to", "notified", "contact", "actor", "pusher", "committer"),
    *("user", "username", "requester", "approver", "reviewer", "name", "cc", "customer", "account owner"),
)
HOST_LABELS: Final = (
    *("host", "hosts", "hostname", "host name", "host_name", "instance", "node", "server", "machine"),
    *("ip", "ip address", "address", "fqdn", "device", "nodename", "kubernetes_node", "domain", "endpoint"),
)
# Whose links tell which tool it was; what stands before them names an account.
TOOL_DOMAINS: Final = (
    *(
        "pagerduty.com",
        "datadoghq.com",
        "datadoghq.eu",
        "us3.datadoghq.com",
        "us5.datadoghq.com",
        "ddog-gov.com",
    ),
    *("sentry.io", "opsgenie.com", "opsg.in", "betterstack.com", "betteruptime.com", "incident.io"),
    *("newrelic.com", "onenr.io", "grafana.net", "grafana.com", "statuspage.io", "stspg.io", "atlassian.net"),
    *("victorops.com", "splunk.com", "console.aws.amazon.com", "amazonaws.com", "github.com", "gitlab.com"),
    *("app.terraform.io", "slack.com", "honeycomb.io", "uptimerobot.com", "pingdom.com", "robusta.dev"),
    *("cloud.google.com", "portal.azure.com", "example.com", "example.org", "example.net"),
)
TOP_LEVEL: Final = frozenset(
    [
        *("com", "net", "org", "info", "biz", "dev", "app", "cloud", "tech", "online", "shop", "site", "edu"),
        *(
            "gov",
            "mil",
            "int",
            "arpa",
            "xyz",
            "agency",
            "digital",
            "systems",
            "services",
            "network",
            "company",
        ),
        *("internal", "intern", "local", "localdomain", "lan", "corp", "home", "private", "intranet", "test"),
        *("cluster", "svc", "consul", "invalid", "example", "onion", "zone", "run", "host", "bank", "global"),
    ]
)
# Two letters that end file names and abbreviations more often than hosts.
NO_COUNTRY: Final = frozenset({"py", "js", "ts", "rb", "cs", "go", "kt", "db", "gz", "vm", "os", "ui", "op"})
TOOLS: Final = frozenset(
    [
        *(
            "alertmanager",
            "prometheus",
            "grafana",
            "oncall",
            "robusta",
            "uptime",
            "kuma",
            "zabbix",
            "datadog",
        ),
        *("sentry", "opsgenie", "pagerduty", "cloudwatch", "aws", "amazon", "newrelic", "relic", "icinga"),
        *("nagios", "better", "stack", "keep", "incident", "statuspage", "github", "gitlab", "terraform"),
        *(
            "hyperdx",
            "clickstack",
            "gatus",
            "slack",
            "jenkins",
            "argocd",
            "kubernetes",
            "honeycomb",
            "pingdom",
        ),
        *("splunk", "victorops", "google", "azure", "elastic", "kibana", "loki", "mimir", "cortex", "thanos"),
    ]
)
_COMMON: Final = frozenset(
    [
        *(
            "the",
            "all",
            "any",
            "for",
            "and",
            "with",
            "from",
            "this",
            "that",
            "has",
            "been",
            "was",
            "are",
            "not",
        ),
        *(
            "unknown",
            "localhost",
            "production",
            "prod",
            "staging",
            "stage",
            "dev",
            "test",
            "alerts",
            "monitor",
        ),
        *("system", "user", "users", "service", "services", "monitoring", "state", "status", "group", "name"),
        *("team", "rule", "policy", "schedule", "bot", "automation", "webhook", "workflow", "api", "email"),
        *("cpu", "memory", "disk", "error", "errors", "rate", "latency", "high", "low", "usage", "server"),
        *(
            "database",
            "queue",
            "cluster",
            "node",
            "pod",
            "host",
            "instance",
            "namespace",
            "region",
            "channel",
        ),
        *("here", "everyone", "integration", "notification", "issue", "problem", "ticket", "check", "admin"),
    ]
)
KEPT_WORDS: Final = frozenset(
    {*STATUS, *CERTAIN_SEVERITIES, *POSSIBLE_SEVERITIES, *HIGH, *HEARTBEATS, *TOOLS, *_COMMON}
)
# Names that are words too: taken out only where they are written as names.
ALSO_WORDS: Final = frozenset(
    [
        *("will", "mark", "may", "art", "rich", "bill", "grant", "hope", "joy", "page", "drew", "rob", "sue"),
        *("guy", "max", "pat", "dash", "june", "april", "august", "rose", "ray", "frank", "young", "long"),
        *("best", "case", "cook", "day", "field", "key", "king", "new", "price", "small", "stone", "wood"),
    ]
)
