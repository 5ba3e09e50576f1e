"""Logging and metrics. Metrics are module constants, as prometheus_client means them to be."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

from ratchet.telemetry.tracing import with_trace

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
MODEL_TOKENS: Final = Counter(
    "ratchet_model_tokens_total",
    "Tokens given to language models (in) and got (out)",
    ["model", "direction"],
)
MODEL_COST: Final = Counter(
    "ratchet_model_cost_dollars_total", "US dollars for language models, where the price is known", ["model"]
)
MCP_CALLS: Final = Counter("ratchet_mcp_calls_total", "Calls of external tools", ["server", "outcome"])


Clean = Callable[[Mapping[str, Any]], dict[str, Any]]


def configure_logging(level: str, *, human: bool, clean: Clean) -> None:
    """One line per event on standard error: JSON, or for people when `human`.

    `clean` takes secrets out of every event, tracebacks included, and never raises.
    """
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default prints the values of variables, which may be secrets or what people wrote.
            exception_formatter=structlog.dev.plain_traceback,
        )
        if human
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            with_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _cleaned(clean),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard library: their warnings appear, their chatter does not.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(CleanFormatter(clean))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _clean_excepthook(clean)


def _cleaned(clean: Clean) -> structlog.typing.Processor:
    def processor(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return clean(event)

    return processor


class CleanFormatter(logging.Formatter):
    """Lines of the standard library's logging, tracebacks included, without secrets."""

    def __init__(self, clean: Clean) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        return str(self._clean({"event": super().format(record)})["event"])


def _clean_excepthook(
    clean: Clean,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What ends the program is printed as ever, without secrets."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(str(clean({"event": text})["event"]))

    return hook
