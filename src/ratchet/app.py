"""The composition root: builds every room and runs them in one TaskGroup. The map of the program."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from ratchet.alerts import likeness
from ratchet.domain.effects import Footer, Post
from ratchet.domain.errors import Transient
from ratchet.domain.messages import MessageRef
from ratchet.handlers import default_handlers
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler
from ratchet.handlers.evidence import Gather
from ratchet.handlers.quiet import Quiet
from ratchet.handlers.runbook import (
    LearnRunbook,
    RunbookHandler,
    RunbookRequest,
    RunbookTeller,
    ToldRunbooks,
)
from ratchet.handlers.runbook_change import ChangeRunbook
from ratchet.handlers.runbook_model import ModelWriter
from ratchet.handlers.runbook_writer import RunbookWriter
from ratchet.handlers.storm import StormLimits
from ratchet.handlers.talk import Talk
from ratchet.handlers.understand import TemplateReader
from ratchet.jobs import schema as job_schema
from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.maintenance import maintenance
from ratchet.jobs.queue import Queue
from ratchet.jobs.worker import Worker
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import check_at_start, connect
from ratchet.llm.discover import discover
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.llm.external import ExternalTools
from ratchet.llm.mcp_client import McpClient
from ratchet.llm.prices import known_price
from ratchet.llm.recorded import RecordedModel
from ratchet.llm.redact import use_patterns
from ratchet.llm.spending import CappedModel
from ratchet.llm.turn import Model, Tool
from ratchet.pipeline import work
from ratchet.pipeline.approvers import Approvers
from ratchet.pipeline.classify import BuiltIn, Classifier, OwnExecutable
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.deliver import Deliver
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.greet import Greet
from ratchet.pipeline.history import History
from ratchet.pipeline.intake import Intake
from ratchet.pipeline.interact import Interact
from ratchet.pipeline.pages import Pages, onboard_job
from ratchet.pipeline.progress import SlackProgress
from ratchet.pipeline.prune import Prune
from ratchet.pipeline.receive import Receive, on_connect
from ratchet.pipeline.recover import Recover
from ratchet.pipeline.refresh import Refresh
from ratchet.pipeline.resume import Resume
from ratchet.pipeline.understand import Understand
from ratchet.settings import Settings, split_addr
from ratchet.slack.identity import Account
from ratchet.slack.socket import SocketListener
from ratchet.slack.web import SlackConfig, SlackWeb, open_web
from ratchet.store.channels import Channels
from ratchet.store.conversations import Conversations
from ratchet.store.document_search import DocumentSearch
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.incidents import Incidents
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.messages import Messages
from ratchet.store.migrate import migrate
from ratchet.store.outbox import Outbox
from ratchet.store.pool import Database, open_database
from ratchet.store.reader import Reader
from ratchet.store.runbooks import Runbooks
from ratchet.store.search import Search
from ratchet.store.similar import SimilarAlerts
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps, WorkspaceLinks
from ratchet.web.app import create_app
from ratchet.web.server import serve
from ratchet.web.services import Health, Part, Services, utc_now

if TYPE_CHECKING:
    from ratchet.llm.agent import AgentRunner

log = structlog.get_logger(__name__)

GRACE_S: Final = 20.0
# What is left to a handler when a turn has used all of its time, so that it still ends in quotes.
QUOTES_S: Final = 45.0
CONCURRENCY: Final = 24
HANDLERS: Final = 16
ROLES: Final = ("slack", "worker", "web")


@dataclass(frozen=True, slots=True)
class Store:
    """A migrated database; `server` when it is the embedded one."""

    db: Database
    queue: Queue
    server: EmbeddedServer | None


@dataclass(frozen=True, slots=True)
class Thinking:
    """The language model, None without one; and the programs whose tools it may use."""

    runner: Model | None
    mcp: McpClient
    models: AgentRunner | None = None


@dataclass(frozen=True, slots=True)
class Ratchet:
    """Every room, built. `runner` is None without a language model."""

    store: Store
    slack: SlackWeb
    account: Account
    runner: Model | None
    dispatch: Dispatch
    recover: Recover
    listener: SocketListener
    receive: Receive
    worker: Worker
    refresh: Refresh
    documents: DocumentSearch
    embedder: LocalEmbedder
    mcp: McpClient
    models: AgentRunner | None = None


def services(ratchet: Ratchet, settings: Settings, roles: Sequence[str]) -> Services:
    """What the HTTP edge may ask for."""
    db = ratchet.store.db

    async def onboard(channel_id: str, limit: int | None) -> None:
        async with db.transaction() as conn:
            await ratchet.store.queue.put(conn, [onboard_job(channel_id, limit)])

    async def generate(channel_id: str, ts: str) -> list[dict[str, Any]]:
        found = await ratchet.dispatch.preview(MessageRef(channel_id, ts))
        return [asdict(effect) for _, effects in found for effect in effects]

    async def respond(channel_id: str, ts: str) -> list[dict[str, Any]]:
        effects = await ratchet.dispatch.respond(MessageRef(channel_id, ts), uuid.uuid4().hex)
        return [asdict(effect) for effect in effects]

    async def health() -> Health:
        return await _health(ratchet, roles)

    def tools() -> list[Tool]:
        links = WorkspaceLinks(ratchet.account.team_url)
        return builtin(ToolDeps(Reader(db), links, utc_now, runbooks), PUBLIC)

    runbooks = ToldRunbooks(*runbook_rooms(db, ratchet.account.team_url), utc_now)

    async def post(channel_id: str, markdown: str) -> None:
        effect = Post(channel_id, markdown, Footer("runbook"))
        await ratchet.dispatch.commit(f"runbook:{channel_id}:{uuid.uuid4().hex}", "runbook", [effect])

    return Services(
        Channels(db),
        Messages(db),
        Incidents(db),
        Search(db),
        Outbox(db),
        ratchet.store.queue,
        health,
        onboard,
        generate,
        respond,
        runbooks.told,
        Runbooks(db).versions,
        post,
        Reader(db),
        WorkspaceLinks(ratchet.account.team_url),
        settings.http_token.get_secret_value() if settings.http_token else None,
        tools=tools,
        mcp=ratchet.mcp.status,
    )


async def _health(ratchet: Ratchet, roles: Sequence[str]) -> Health:
    """The state of every part that this process runs."""
    parts = []
    try:
        async with asyncio.timeout(2), ratchet.store.db.connection() as conn:
            await conn.execute("select 1")
        parts.append(Part("database", True, "connected"))
    except (Transient, TimeoutError) as error:
        parts.append(Part("database", False, "away", str(error) or "no answer within 2 s"))
    if "slack" in roles:
        socket = ratchet.listener.health()
        state = "connected" if socket.healthy else "disconnected"
        parts.append(Part("socket", socket.healthy, state, socket.problem or ""))
    if "worker" in roles:
        connected = ratchet.worker.connected
        parts.append(
            Part(
                "worker",
                connected,
                "running" if connected else "stopped",
                "" if connected else "no connection",
            )
        )
    # One that is away is left out of turns and tried again: no reason to take this process for broken.
    parts += [Part(f"mcp {one.name}", True, one.state, one.problem) for one in ratchet.mcp.status()]
    return Health(tuple(parts))


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The configured database, started when it is ours, migrated. Raises Misconfigured, Transient."""
    async with AsyncExitStack() as stack:
        server: EmbeddedServer | None = None
        conninfo = ""
        if settings.database.embedded:
            server = await stack.enter_async_context(EmbeddedServer.start(settings.data_dir / "postgres"))
            conninfo = server.conninfo
        else:
            conninfo = settings.database.conninfo
        await migrate(conninfo)
        await job_schema.install(conninfo)
        db = await stack.enter_async_context(open_database(conninfo))
        yield Store(db, Queue(db.connection), server)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Ratchet]:
    """Everything, connected and not yet running. Raises Misconfigured for what an operator must mend."""
    bot_token, app_token = settings.slack_tokens()
    use_patterns(settings.redact_patterns)
    config = SlackConfig(bot_token, app_token, settings.slack_url)
    async with open_store(settings) as store, open_web(config) as slack:
        account = await _until_answered(slack)
        mcp = McpClient(settings.external_servers)
        models = await _model(settings, mcp)
        model = Thinking(recorded(models, store.db, settings), mcp, models)
        # Its own connections: what arrives is stored also while every job and page uses the database.
        async with open_database(store.db.conninfo, min_size=1, max_size=2) as intake_db:
            rooms = _rooms(settings, config, store, slack, account, model, intake_db)
            with closing(rooms.embedder):
                yield rooms


def _rooms(
    settings: Settings,
    config: SlackConfig,
    store: Store,
    slack: SlackWeb,
    account: Account,
    thinking: Thinking,
    intake_db: Database,
) -> Ratchet:
    runner = thinking.runner
    me, db, queue = account.identity, store.db, store.queue
    classifier = classifier_of(settings)
    # Nothing is loaded before the first text is embedded.
    embedder = LocalEmbedder()
    documents = DocumentSearch(db, embedder)
    progress = SlackProgress(slack, muted=settings.slack_dev_channel is not None)
    handlers = _handlers(settings, db, account, thinking, embedder, progress)
    asking = TemplateReader(runner) if runner else None
    understand = Understand(db, queue, settings.alert_model, settings.rules, asking)
    dispatch = Dispatch(db, queue, classifier, handlers, me.user_id, understand)
    pages = Pages(db, queue, Intake(db, queue, classifier, dispatch.interest), slack, me, time.time)
    history, recover = History(pages, settings.onboard_messages), Recover(pages)
    interact = Interact(Outbox(db), Commit(db, queue), slack, Approvers(slack, settings.approvers))
    deliver = Deliver(Outbox(db), slack, settings.slack_dev_channel)
    listener = SocketListener(config, me, lambda: on_connect(recover, history))
    receive = Receive(listener, Intake(intake_db, queue, classifier, dispatch.interest), recover)
    refresh = Refresh(db, queue, settings.sources)
    handler_s = settings.turn_seconds + QUOTES_S + 60
    routes = (
        *_routes(dispatch, deliver, history, recover, interact, handler_s),
        Route(
            work.ResumeJob, Resume(dispatch, Commit(db, queue)).run, timeout_s=handler_s, concurrency=HANDLERS
        ),
        Route(work.GreetJob, Greet(Commit(db, queue), progress).run, timeout_s=30),
        Route(work.RefreshJob, refresh.run, timeout_s=3600, concurrency=2),
        Route(work.EmbedJob, Embed(db, embedder).run, timeout_s=600, concurrency=1),
        Route(work.UnderstandJob, understand.run, timeout_s=120, concurrency=1),
    )
    periodics = [
        refresh.periodic(),
        maintenance(queue, routes),
        Periodic("prune", "17 3 * * *", Prune(db).run),
        # A safety net under the recovery on every connect.
        Periodic("recover", "*/30 * * * *", lambda: on_connect(recover, history)),
    ]
    worker = Worker(db.conninfo, routes, periodics, concurrency=CONCURRENCY)
    return Ratchet(
        store,
        slack,
        account,
        runner,
        dispatch,
        recover,
        listener,
        receive,
        worker,
        refresh,
        documents,
        embedder,
        thinking.mcp,
        thinking.models,
    )


def _handlers(
    settings: Settings,
    db: Database,
    account: Account,
    thinking: Thinking,
    embedder: LocalEmbedder,
    progress: SlackProgress,
) -> Sequence[Handler]:
    """What is done about a message, each with what it reads."""
    runner, links = thinking.runner, WorkspaceLinks(account.team_url)
    storms = StormLimits(settings.storm_alerts, timedelta(minutes=settings.storm_minutes))
    writer, teller = runbook_rooms(db, account.team_url, runner, embedder)
    return default_handlers(
        RunbookHandler(writer, teller, Incidents(db), storms),
        LearnRunbook(writer),
        RunbookRequest(writer, teller),
        ChangeRunbook(writer, Incidents(db), links),
        Quiet(),
        _assistant(settings, Reader(db), links, runner, ToldRunbooks(writer, teller, utc_now)),
        Talk(Channels(db), Conversations(db), links, progress),
    )


def _assistant(
    settings: Settings, reader: Reader, links: WorkspaceLinks, runner: Model | None, runbooks: ToldRunbooks
) -> Assistant:
    timeout_s = settings.turn_seconds + QUOTES_S
    return Assistant(
        reader, links, runner, runbooks, reader, budget=settings.turn_budget, timeout_s=timeout_s
    )


def runbook_rooms(
    db: Database, team_url: str, model: Model | None = None, embedder: LocalEmbedder | None = None
) -> tuple[RunbookWriter, RunbookTeller]:
    """Who writes a runbook, and who puts it into words with links into the workspace at `team_url`."""
    # Documents that name an alert are found by words alone: no embedding is needed for it.
    similar = SimilarAlerts(db, likeness, embedder)
    gather = Gather(Incidents(db), Messages(db), DocumentSearch(db), similar)
    by_model = ModelWriter(model) if model is not None else None
    writer = RunbookWriter(gather, Runbooks(db), Messages(db), by_model)
    return writer, RunbookTeller(Channels(db), WorkspaceLinks(team_url))


def _routes(
    dispatch: Dispatch,
    deliver: Deliver,
    history: History,
    recover: Recover,
    interact: Interact,
    handler_s: float,
) -> tuple[Route[Any], ...]:
    """Every kind of job and who runs it."""
    return (
        Route(work.MessageJob, dispatch.run_message, timeout_s=30),
        # Models are slow: they never take the slots of what only needs a moment.
        Route(
            work.HandlerJob, dispatch.run_handler, timeout_s=handler_s, max_failures=5, concurrency=HANDLERS
        ),
        Route(work.DeliverJob, deliver.run, timeout_s=60, max_failures=20),
        Route(work.InteractionJob, interact.run, timeout_s=30),
        Route(work.OnboardJob, history.onboard, timeout_s=1800, concurrency=2),
        Route(work.ThreadJob, history.thread, timeout_s=300, concurrency=4),
        Route(work.RecoverJob, recover.run, timeout_s=1800, concurrency=2),
        Route(work.ChannelsJob, history.channels, timeout_s=600, concurrency=1),
        Route(work.PeopleJob, history.people, timeout_s=600, concurrency=1),
    )


def classifier_of(settings: Settings) -> Classifier:
    command = settings.classifier_command
    built_in = BuiltIn(settings.rules)
    return OwnExecutable(command, fallback=built_in) if command else built_in


async def chosen_models(settings: Settings) -> tuple[ModelConfig, ...]:
    """The language models of the settings, in order; else the one found on this machine, if any."""
    if listed := settings.language_models:
        return listed
    found = await discover(wanted=settings.openai_model)
    return () if found is None else (settings.tuned(found),)


async def _model(settings: Settings, external: ExternalTools) -> AgentRunner | None:
    configs = await chosen_models(settings)
    if not configs:
        log.info("no_model", effect="answers are quotes from the record")
        return None
    log.info("models", models=[config.model for config in configs])
    if settings.turn_cost_usd is not None or settings.channel_cost_usd_per_day is not None:
        for config in configs:
            if known_price(config) is None:
                effect = "no limit in dollars holds for it; set RATCHET_MODEL_PRICES"
                log.warning("model_price_unknown", model=config.model, effect=effect)
    return connect(configs, external=external)


def recorded(model: Model | None, db: Database, settings: Settings) -> Model | None:
    """The same model; what its turns cost is kept."""
    if model is None:
        return None
    calls, limit = LlmCalls(db), settings.channel_cost_usd_per_day
    kept = RecordedModel(model, calls, settings.keep_model_contents)
    return kept if limit is None else CappedModel(kept, calls, limit)


async def _until_answered(slack: SlackWeb) -> Account:
    """Slack may be away when we start; a refused token is not waited for."""
    pause = 1.0
    while True:
        try:
            return await slack.auth_test()
        except Transient as transient:
            log.warning("slack_away", reason=str(transient), retry_s=pause)
            await asyncio.sleep(max(pause, transient.retry_after or 0))
            pause = min(pause * 2, 60.0)


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    roles: Sequence[str] = ROLES,
    on_ready: Callable[[Ratchet], None] | None = None,
) -> None:
    """Run until `stop` is set. When a part dies, everything ends with its error."""
    async with AsyncExitStack() as stack:
        ratchet = await _unless_stopped(stack.enter_async_context(build(settings)), stop)
        if ratchet is not None:
            await _run(ratchet, settings, stop, roles, on_ready)
    log.info("stopped")


async def _unless_stopped(step: Awaitable[Ratchet], stop: asyncio.Event) -> Ratchet | None:
    """The step's result; None when the stop came first: a start may wait for Slack or the database."""

    async def take() -> Ratchet:
        return await step

    async with asyncio.TaskGroup() as group:
        building, stopping = group.create_task(take()), group.create_task(stop.wait())
        await asyncio.wait((building, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        building.cancel()
    return None if building.cancelled() else building.result()


async def _run(
    ratchet: Ratchet,
    settings: Settings,
    stop: asyncio.Event,
    roles: Sequence[str],
    on_ready: Callable[[Ratchet], None] | None,
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks: dict[str, asyncio.Task[None]] = {}
        if ratchet.store.server is not None:
            tasks["database"] = group.create_task(ratchet.store.server.watch())
        if "slack" in roles:
            # Before any job of the time before stores something newer than what was missed.
            await ratchet.recover.mark_gaps()
            tasks["listener"] = group.create_task(ratchet.listener.run())
            tasks["receive"] = group.create_task(ratchet.receive.run())
        if "worker" in roles:
            await ratchet.refresh.start()
            tasks["worker"] = group.create_task(ratchet.worker.run())
        if "worker" in roles and ratchet.models is not None and settings.model_check:
            tasks["models"] = group.create_task(check_at_start(ratchet.models))
        if "web" in roles or "worker" in roles:
            tasks["mcp"] = group.create_task(ratchet.mcp.run())
        if "web" in roles:
            web = create_app(services(ratchet, settings, roles))
            tasks["web"] = group.create_task(serve(web, split_addr(settings.http_addr)))
        log.info("started", team=ratchet.account.team_name, roles=roles)
        if on_ready is not None:
            on_ready(ratchet)
        await stop.wait()
        log.info("stopping")
        for name in ("receive", "listener"):
            if name in tasks:
                tasks[name].cancel()
        await ratchet.worker.stop(GRACE_S)
        for task in tasks.values():
            task.cancel()
