"""One small file per tool, and the one ordered list: the first that knows the message answers.

To add a tool: a file with `parse(view) -> IncidentAction | None`, a line here, a test.
"""

from __future__ import annotations

from ratchet.alerts.judgement import Parser
from ratchet.alerts.tools import (
    alertmanager,
    better_stack,
    cloudwatch,
    datadog,
    generic,
    github,
    grafana,
    nagios,
    newrelic,
    oncall,
    opsgenie,
    pagerduty,
    robusta,
    sentences,
    sentry,
    statuspage,
    terraform_cloud,
    uptime_kuma,
    zabbix,
)

PARSERS: tuple[Parser, ...] = (
    # Cards whose body quotes another tool's alert come before that tool.
    oncall.parse,
    robusta.parse,
    pagerduty.parse,
    opsgenie.parse,
    grafana.parse,
    alertmanager.parse,
    # By their own sender name, link or exact form.
    datadog.parse,
    sentry.parse,
    zabbix.parse,
    cloudwatch.parse,
    uptime_kuma.parse,
    better_stack.parse,
    nagios.parse,
    github.parse,
    terraform_cloud.parse,
    newrelic.parse,
    statuspage.parse,
    # By wording alone.
    sentences.parse,
    generic.parse,
)
