"""What the HTTP edge is given. `app` fills it; nothing here does work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from ratchet.domain.effects import Reply
from ratchet.domain.runbooks import KeptRunbook, ToldRunbook
from ratchet.handlers.monitor_file import Monitor
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import Trial
from ratchet.jobs.queue import Queue
from ratchet.llm.mcp_client import McpStatus
from ratchet.llm.turn import Tool
from ratchet.store.channels import Channels
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import SourceStatus
from ratchet.store.embeddings import EmbeddingStatus
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.overview import Overviews
from ratchet.store.schedules import Schedules
from ratchet.store.search import Search
from ratchet.tools.base import GapReader, Permalinks, ReportReader

Effects = Sequence[Mapping[str, Any]]
Ask = Callable[[str, Callable[[str], None]], Awaitable[Reply]]
"""A question, and who is told the name of each tool that is used for it. Raises Refused, Transient."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the process: `socket`, `worker` or `database`. `reason` holds no secret."""

    name: str
    ready: bool
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Every part that this process is meant to run."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        return all(part.ready for part in self.parts)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sources(Protocol):
    """The sources of documents."""

    @property
    def names(self) -> Sequence[str]: ...

    async def status(self) -> Sequence[SourceStatus]: ...

    async def request(self, names: Sequence[str], *, asked: bool) -> int:
        """Have them read; how many did not wait already."""
        ...


class MonitorBench(Protocol):
    """Channel monitors on trial; nothing is sent."""

    @property
    def model(self) -> str | None: ...

    def refusal(self, monitor: Monitor) -> str:
        """Why its executable may not run here; "" when it may."""
        ...

    async def run(self, monitor: Monitor, sample: Sample, *, execute: bool) -> Trial:
        """Raises Refused when it may not be run, Transient when the model is away."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints read and call.

    health: the state of every part; quick, it need not be bounded.
    onboard: put the job that fetches the newest n messages of a channel by id; None for the default number.
    generate: the effects that the handlers would have for a recorded message by channel id and ts, as JSON;
        nothing is stored or delivered.
    respond: the same, and they are stored and delivered.
    runbook: for a service (None: any) and an alert, of what is public; None: nothing is known.
    runbook_versions: what was kept for a service and an alert, newest first, of what is public (scope "").
    post: Markdown into a channel by id.
    overview: what is read over all channels at once.
    schedules: what happens in channels by the clock.
    reports, gaps: what reports are made of. links: permalinks of messages.
    token: the operator's; None only when listening on loopback, and then every caller is the operator.
    read_token: of who may only read; None: there is none. requests_per_s: of each client; 0: any number.
    tools: what is served at /mcp; they read what is public.
    mcp: the state of every external MCP server.
    monitors: tries channel monitors; None: they cannot be run here.
    embedding: which embedding model made the vectors, and how many texts wait for one; None: not told.
    sources: where documents are read; None: nowhere.
    ask: the assistant for a page, from what is public; nothing is stored or posted. None: not here.
    documents: None where there are none.
    """

    channels: Channels
    messages: Messages
    incidents: Incidents
    search: Search
    outbox: Outbox
    queue: Queue
    health: Callable[[], Awaitable[Health]]
    onboard: Callable[[str, int | None], Awaitable[None]]
    generate: Callable[[str, str], Awaitable[Effects]]
    respond: Callable[[str, str], Awaitable[Effects]]
    runbook: Callable[[str | None, str], Awaitable[ToldRunbook | None]]
    runbook_versions: Callable[[str | None, str, str], Awaitable[Sequence[KeptRunbook]]]
    post: Callable[[str, str], Awaitable[None]]
    reports: ReportReader
    gaps: GapReader
    schedules: Schedules
    links: Permalinks
    overview: Overviews
    token: str | None = field(default=None, repr=False)
    read_token: str | None = field(default=None, repr=False)
    requests_per_s: float = 0.0
    now: Callable[[], datetime] = utc_now
    tools: Callable[[], Sequence[Tool]] = tuple
    mcp: Callable[[], Sequence[McpStatus]] = tuple
    monitors: MonitorBench | None = None
    embedding: Callable[[], Awaitable[EmbeddingStatus]] | None = None
    sources: Sources | None = None
    ask: Ask | None = None
    documents: DocumentSearch | None = None
