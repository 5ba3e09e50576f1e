"""Logging and metrics. Metrics are module constants, as prometheus_client means them to be."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

EVENTS: Final = Counter("ratchet_events_total", "Slack events recorded", ["type"])
EVENTS_FAILED: Final = Counter("ratchet_events_failed_total", "Slack events that could not be stored")
EVENTS_IGNORED: Final = Counter("ratchet_events_ignored_total", "Slack events passed over", ["reason"])
ACK_SECONDS: Final = Histogram(
    "ratchet_ack_seconds",
    "From receipt of an envelope to its acknowledgement",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10),
)
CLASSIFIED: Final = Counter("ratchet_classified_total", "Bot messages classified", ["tool", "action"])
CLASSIFIER_FAILURES: Final = Counter(
    "ratchet_classifier_failures_total", "Failures of the operator's own classifier"
)
HANDLER_SECONDS: Final = Histogram("ratchet_handler_seconds", "Run time of a handler", ["handler"])
HANDLER_FAILURES: Final = Counter("ratchet_handler_failures_total", "Failed runs of a handler", ["handler"])
DELIVERED: Final = Counter("ratchet_delivered_total", "Effects made visible in Slack", ["handler"])
REFUSED: Final = Counter("ratchet_refused_total", "Effects that Slack refused", ["handler"])
SLACK_RATE_LIMITED: Final = Counter("ratchet_slack_rate_limited_total", "429 answers from Slack")
QUEUED: Final = Gauge("ratchet_jobs_queued", "Waiting jobs", ["kind"])
DEAD: Final = Gauge("ratchet_jobs_dead", "Jobs that failed for good", ["kind"])
OLDEST: Final = Gauge("ratchet_jobs_oldest_seconds", "Age of the oldest waiting job", ["kind"])
OUTBOX: Final = Gauge("ratchet_outbox_unsent", "Effects that wait for delivery")
MCP_CONNECTED: Final = Gauge(
    "ratchet_mcp_connected", "Whether an external MCP server is connected", ["server"]
)
MODEL_FAILURES: Final = Counter(
    "ratchet_model_failures_total", "Failed requests to a language model", ["model", "kind"]
)
MODEL_WORKS: Final = Gauge(
    "ratchet_model_works", "Whether a language model did at start what it was asked", ["model", "what"]
)
MCP_CALLS: Final = Counter("ratchet_mcp_calls_total", "Calls of external tools", ["server", "outcome"])


def configure_logging(level: str, *, human: bool) -> None:
    """One line per event on standard error: JSON, or for people when `human`."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default prints the values of variables, which may be secrets or what people wrote.
            exception_formatter=structlog.dev.plain_traceback,
        )
        if human
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info if not human else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library: their warnings appear, their chatter does not.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
