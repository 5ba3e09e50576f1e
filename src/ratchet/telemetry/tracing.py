"""Traces: one for each event from Slack, through the queue and over processes, to what is said.

Without `configure_tracing` every function here does nothing, at the cost of a dictionary look-up.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.sampling import Sampler

Attribute = str | bool | int | float
# Put on a root span, it is sampled whatever the rate: somebody waits for what comes of it.
ALWAYS: Final = "ratchet.always"
EVENT_KEY = tuple[str, str, str]
"""Channel id, ts and version of a message."""

_NONE: Final[Mapping[EVENT_KEY, str]] = MappingProxyType({})
_EVENTS: ContextVar[Mapping[EVENT_KEY, str]] = ContextVar("ratchet_events", default=_NONE)
_TRACER: Final = trace.get_tracer("ratchet")


@dataclass(frozen=True, slots=True)
class TracingConfig:
    """`otlp`: export to where OTEL_EXPORTER_OTLP_ENDPOINT says. `sample_rate` from 0 to 1."""

    otlp: bool = False
    sentry_dsn: str | None = None
    sample_rate: float = 0.01
    environment: str = "production"
    release: str = ""


class Traced(AbstractContextManager[Span]):
    """See `span`."""

    def __init__(self, name: str, kind: SpanKind, attributes: Mapping[str, Attribute]) -> None:
        self._opened = _TRACER.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        )
        self._span: Span = trace.INVALID_SPAN

    def __enter__(self) -> Span:
        self._span = self._opened.__enter__()
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trail: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            failed(self._span, error)
        self._opened.__exit__(kind, error, trail)


def span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute | None) -> Traced:
    """A part of what is going on. An error that leaves the block marks it, by its kind: its text may quote.

    In the names of attributes __ stands for a dot.
    """
    known = {name.replace("__", "."): value for name, value in attributes.items() if value is not None}
    return Traced(name, kind, known)


def failed(current: Span, error: BaseException) -> None:
    """Mark a span as failed, by the kind of the error."""
    current.set_status(Status(StatusCode.ERROR, type(error).__name__))
    current.set_attribute("error.type", type(error).__qualname__)


def traceparent(context: SpanContext | None = None) -> str | None:
    """Where we are, as W3C Trace Context writes it; None outside any trace."""
    here = context or trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags):02x}"


def always(parent: str) -> str:
    """The same place, in a trace that is kept from here on."""
    return f"{parent[:-2]}01"


@contextmanager
def continued(parent: str | None) -> Iterator[None]:
    """Go on in another process's trace; None or what is no traceparent: without any."""
    found = _read(parent)
    token = attach(trace.set_span_in_context(NonRecordingSpan(found)) if found else Context())
    try:
        yield
    finally:
        detach(token)


def _read(parent: str | None) -> SpanContext | None:
    parts = (parent or "").split("-")
    if len(parts) != 4:
        return None
    with contextlib.suppress(ValueError):
        context = SpanContext(
            int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16))
        )
        return context if context.is_valid else None
    return None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event that came in: `key` of its message, if it has one; `received_at` by time.monotonic."""

    name: str
    key: EVENT_KEY | None
    received_at: float
    always: bool
    attributes: Mapping[str, Attribute]


class Arrivals(AbstractContextManager[None]):
    """Events that are recorded together, each the root of a trace of its own; `parent_of` finds it by key."""

    def __init__(self, found: Sequence[Arrival]) -> None:
        self._spans = [_root(one) for one in found]
        pairs = (
            (one.key, traceparent(root.get_span_context()))
            for one, root in zip(found, self._spans, strict=True)
        )
        self._parents = {key: parent for key, parent in pairs if key and parent}
        self._token: Token[Mapping[EVENT_KEY, str]] | None = None
        # What is done for all of them together is shown with one for which somebody waits, or with the first
        # if that is kept: with any that is kept, almost every large batch would be shown at any rate.
        shown = next(
            (
                root
                for number, (one, root) in enumerate(zip(found, self._spans, strict=True))
                if root.is_recording() and (one.always or number == 0)
            ),
            None,
        )
        self._here = trace.use_span(shown) if shown is not None else None

    def __enter__(self) -> None:
        self._token = _EVENTS.set(self._parents)
        if self._here is not None:
            self._here.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trail: TracebackType | None
    ) -> None:
        if self._here is not None:
            self._here.__exit__(None, None, None)
        if self._token is not None:
            _EVENTS.reset(self._token)
        for root in self._spans:
            if isinstance(error, Exception):
                failed(root, error)
            root.end()


def _root(one: Arrival) -> Span:
    started = time.time_ns() - int((time.monotonic() - one.received_at) * 1e9)
    attributes = dict(one.attributes) | ({ALWAYS: True} if one.always else {})
    return _TRACER.start_span(
        one.name, Context(), SpanKind.CONSUMER, attributes=attributes, start_time=started
    )


def parent_of(channel_id: str, ts: str, version: str) -> str | None:
    """The trace of an event that is being recorded, for the job about it; else where we are."""
    return _EVENTS.get().get((channel_id, ts, version)) or traceparent()


def job_failed(kind: str, parent: str | None, error_type: str) -> None:
    """A failure is seen whatever the rate: a span of its own, in the trace of its event."""
    found = _read(parent)
    if found is not None and found.trace_flags.sampled:
        return  # the run's own span tells it
    with continued(always(parent) if found is not None and parent else None):
        root = _TRACER.start_span(f"job {kind} failed", attributes={ALWAYS: True, "error.type": error_type})
        root.set_status(Status(StatusCode.ERROR, error_type))
        root.end()


Clean = Callable[[Mapping[str, Any]], dict[str, Any]]


def configure_tracing(config: TracingConfig, clean: Clean) -> Callable[[], None]:
    """Start exporting; returns what flushes and ends it. `clean` takes secrets out of what Sentry gets.

    Contents of messages and prompts are in no span.
    """
    if not config.otlp and config.sentry_dsn is None:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # slow
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # slow
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # slow
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # slow

    resource = Resource.create({"service.name": "ratchet", "service.version": config.release})
    provider = TracerProvider(sampler=_sampler(config.sample_rate), resource=resource, shutdown_on_exit=False)
    if config.otlp:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    if config.sentry_dsn is not None:
        _sentry(config, clean)
    return provider.shutdown


def _sampler(rate: float) -> Sampler:
    from opentelemetry.sdk.trace.sampling import (  # noqa: PLC0415  # slow
        Decision,
        ParentBased,
        Sampler,
        SamplingResult,
        TraceIdRatioBased,
    )

    class RateOrAlways(Sampler):
        """By rate, but for what asks to be kept."""

        def __init__(self) -> None:
            self._by_rate = TraceIdRatioBased(rate)

        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            attributes = kwargs.get("attributes") or (args[4] if len(args) > 4 else None) or {}
            if attributes.get(ALWAYS):
                return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
            return self._by_rate.should_sample(*args, **kwargs)

        def get_description(self) -> str:
            return f"RateOrAlways({rate:g})"

    return ParentBased(RateOrAlways())


def _sentry(config: TracingConfig, clean: Clean) -> None:
    import sentry_sdk  # noqa: PLC0415  # slow
    from sentry_sdk.integrations.otlp import OTLPIntegration  # noqa: PLC0415  # slow

    sentry_sdk.init(
        dsn=config.sentry_dsn,
        environment=config.environment,
        release=f"ratchet@{config.release}",
        # None of those that read logs, requests or variables: we say ourselves what failed.
        default_integrations=False,
        integrations=[OTLPIntegration(setup_propagator=False)],
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        before_send=lambda event, _: clean(event),  # type: ignore[arg-type,return-value]  # a mapping in, one out
    )


def configured() -> bool:
    """Whether spans go anywhere: only then are libraries instrumented."""
    # Without the SDK, which takes its time to load, there is no provider of it either.
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    return sdk is not None and isinstance(trace.get_tracer_provider(), sdk.TracerProvider)


def recording() -> bool:
    """Whether we are within a trace that is kept."""
    return trace.get_current_span().is_recording()


def report_failure(error: BaseException, **tags: str) -> None:
    """Tell Sentry, if there is one, of what nobody expected. Its text goes without secrets."""
    # Only where Sentry was started is it imported.
    sdk = sys.modules.get("sentry_sdk")
    if sdk is None or not sdk.is_initialized():
        return
    with sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        sdk.capture_exception(error)


def with_trace(_: object, __: str, event: Any) -> Any:
    """A structlog processor: which trace a line belongs to."""
    here = trace.get_current_span().get_span_context()
    if here.is_valid:
        event["trace_id"] = f"{here.trace_id:032x}"
        event["span_id"] = f"{here.span_id:016x}"
    return event
