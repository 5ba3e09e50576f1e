"""The composition root: builds every room and runs them in one TaskGroup. The map of the program.

Beside it, what is built by itself: `store`, `models`, `handlers`, `hearing` (of Slack), and `http`, what the
HTTP edge may ask for.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from ratchet.app.embedding import Embedding, open_embedding
from ratchet.app.handlers import QUOTES_S, all_handlers, classifier_of, runbook_rooms, update_docs
from ratchet.app.hearing import Hearing
from ratchet.app.http import services
from ratchet.app.models import Thinking, chosen_models, language_model, recorded
from ratchet.app.patience import patiently
from ratchet.app.store import Store, open_server, open_store, open_store_patiently
from ratchet.domain.schedules import CHANNEL_REPORT, GAP_LIST, USAGE_REPORT
from ratchet.handlers.gap_model import GapModel
from ratchet.handlers.report_advice import ReportAdviser
from ratchet.handlers.suggest_docs import SuggestDocs
from ratchet.handlers.understand import TemplateReader
from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.maintenance import maintenance
from ratchet.jobs.worker import Worker
from ratchet.llm.connect import check_at_start
from ratchet.llm.mcp_client import McpClient
from ratchet.llm.redact import use_patterns
from ratchet.llm.turn import Model
from ratchet.pipeline import work
from ratchet.pipeline.approvers import Approvers
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.deliver import Deliver
from ratchet.pipeline.desk import Desk, forges_of
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.embed import Embed, embed_messages, start_embedding
from ratchet.pipeline.gap_list import GapList
from ratchet.pipeline.greet import Greet
from ratchet.pipeline.history import History
from ratchet.pipeline.intake import Intake
from ratchet.pipeline.interact import Interact
from ratchet.pipeline.pages import Pages
from ratchet.pipeline.progress import SlackProgress
from ratchet.pipeline.prune import Prune
from ratchet.pipeline.pull_watch import WatchPulls
from ratchet.pipeline.pulls import OpenPulls
from ratchet.pipeline.quiet_threads import QuietThread
from ratchet.pipeline.receive import on_connect
from ratchet.pipeline.recover import Recover
from ratchet.pipeline.refresh import Refresh
from ratchet.pipeline.resume import Resume
from ratchet.pipeline.scheduled_reports import ScheduledReports
from ratchet.pipeline.schedules import Schedules
from ratchet.pipeline.shortcuts import Shortcuts
from ratchet.pipeline.understand import Understand
from ratchet.settings import Settings, split_addr
from ratchet.slack.identity import Account
from ratchet.slack.socket import SocketListener
from ratchet.slack.web import SlackConfig, SlackWeb, open_web
from ratchet.store.document_search import DocumentSearch
from ratchet.store.help_threads import HelpThreads
from ratchet.store.outbox import Outbox
from ratchet.tools.base import WorkspaceLinks
from ratchet.web.app import create_app
from ratchet.web.server import serve
from ratchet.web.services import utc_now

if TYPE_CHECKING:
    from ratchet.llm.agent import AgentRunner

__all__ = [
    "ROLES",
    "Ratchet",
    "Store",
    "build",
    "chosen_models",
    "classifier_of",
    "keep_for_good",
    "open_server",
    "open_store",
    "recorded",
    "run",
    "runbook_rooms",
    "services",
]

log = structlog.get_logger(__name__)

GRACE_S: Final = 20.0
CONCURRENCY: Final = 24
HANDLERS: Final = 16
ROLES: Final = ("slack", "worker", "web")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ratchet:
    """Every room, built. `runner` is None without a language model."""

    store: Store
    slack: SlackWeb
    account: Account
    runner: Model | None
    dispatch: Dispatch
    recover: Recover
    hearing: Hearing
    worker: Worker
    refresh: Refresh
    documents: DocumentSearch
    embedding: Embedding
    mcp: McpClient
    models: AgentRunner | None = None


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Ratchet]:
    """Everything, connected and not yet running. Raises Misconfigured for what an operator must mend."""
    bot_token, app_token = settings.slack_tokens()
    use_patterns(settings.redact_patterns)
    config = SlackConfig(bot_token, app_token, settings.slack_url)
    async with open_store_patiently(settings) as store, open_web(config) as slack:
        account = await patiently(slack.auth_test, "slack_away")
        mcp = McpClient(settings.external_servers)
        models = await language_model(settings, mcp)
        async with open_embedding(settings, store.db) as embedding:
            model = Thinking(recorded(models, store.db, settings), mcp, embedding, models)
            yield _rooms(settings, config, store, slack, account, model)


def _rooms(
    settings: Settings,
    config: SlackConfig,
    store: Store,
    slack: SlackWeb,
    account: Account,
    thinking: Thinking,
) -> Ratchet:
    runner = thinking.runner
    me, db, queue = account.identity, store.db, store.queue
    classifier = classifier_of(settings)
    embedding = thinking.embedding
    documents = DocumentSearch(db, embedding.questions)
    progress = SlackProgress(slack, muted=settings.slack_dev_channel is not None)
    forges = forges_of(settings.sources)
    desk = Desk(db, forges, {source.name: source.kind for source in settings.sources})
    handlers = all_handlers(settings, db, account, thinking, progress, desk)
    asking = TemplateReader(runner) if runner else None
    understand = Understand(db, queue, settings.alert_model, settings.rules, asking)
    dispatch = Dispatch(db, queue, classifier, handlers, me.user_id, understand)
    pages = Pages(db, queue, Intake(db, queue, classifier, dispatch.interest), slack, me, time.time)
    history, recover = History(pages, settings.onboard_messages), Recover(pages)
    commit = Commit(db, queue)
    interact = Interact(Outbox(db), commit, slack, Approvers(slack, settings.approvers))
    deliver = Deliver(Outbox(db), slack, settings.slack_dev_channel)
    hearing = Hearing(SocketListener(config, me), pages)
    refresh = Refresh(db, queue, settings.sources)
    quiet, scheduled = _healing(commit, account.team_url, runner, proposes=bool(runner and forges))
    handler_s = settings.turn_seconds + QUOTES_S + 60
    opens = OpenPulls(commit, forges)
    routes = (
        *_routes(dispatch, deliver, history, recover, interact, handler_s),
        Route(
            work.ResumeJob, Resume(dispatch, Commit(db, queue)).run, timeout_s=handler_s, concurrency=HANDLERS
        ),
        Route(
            work.ShortcutJob,
            Shortcuts(commit, update_docs(settings, account, runner, documents, desk)).run,
            timeout_s=handler_s,
            max_failures=5,
            concurrency=HANDLERS,
        ),
        Route(work.PullJob, opens.run, timeout_s=120, max_failures=20, concurrency=4, died=opens.gave_up),
        Route(work.QuietThreadJob, quiet.run, timeout_s=60, concurrency=2),
        Route(work.ScheduledJob, scheduled.run, timeout_s=300, concurrency=2),
        Route(work.GreetJob, Greet(Commit(db, queue), progress).run, timeout_s=30),
        Route(work.RefreshJob, refresh.run, timeout_s=3600, concurrency=2),
        Route(work.EmbedJob, Embed(db, embedding.texts).run, timeout_s=600, concurrency=1),
        Route(work.UnderstandJob, understand.run, timeout_s=120, concurrency=1),
    )
    periodics = [
        refresh.periodic(),
        WatchPulls(commit, forges, refresh.request).periodic(),
        scheduled.periodic(),
        embed_messages(db, queue),
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
        hearing,
        worker,
        refresh,
        documents,
        embedding,
        thinking.mcp,
        thinking.models,
    )


def _healing(
    commit: Commit, team_url: str, model: Model | None, *, proposes: bool
) -> tuple[QuietThread, Schedules]:
    """Who looks at quiet threads, and what happens by the clock. `proposes`: changes of documents."""
    threads, links = HelpThreads(commit.db), WorkspaceLinks(team_url)
    quiet = QuietThread(commit, SuggestDocs(threads, links, proposes=proposes), utc_now)
    gap_list = GapList(commit, threads, links, GapModel(model) if model else None)
    reports = ScheduledReports(commit, links, ReportAdviser(model) if model else None)
    kinds = {GAP_LIST: gap_list.run, CHANNEL_REPORT: reports.run_channel, USAGE_REPORT: reports.run_usage}
    return quiet, Schedules(commit.db, commit.queue, kinds, utc_now)


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


def keep_for_good() -> None:
    """What is there by now stays: the garbage collector need not look at it again.

    Without this each full collection stops everything for 0.14 s, mostly to look at the libraries' schemas.
    """
    gc.collect()
    gc.freeze()


async def _unless_stopped(step: Awaitable[T], stop: asyncio.Event) -> T | None:
    """The step's result; None when the stop came first: a start may wait for Slack or the database."""

    async def take() -> T:
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
            await _unless_stopped(patiently(ratchet.recover.mark_gaps, "database_away"), stop)
            tasks["hearing"] = group.create_task(ratchet.hearing.run())
        if "worker" in roles:
            await _unless_stopped(patiently(ratchet.refresh.start, "database_away"), stop)
            start = partial(start_embedding, ratchet.store.db, ratchet.store.queue)
            await _unless_stopped(patiently(start, "database_away"), stop)
            tasks["worker"] = group.create_task(ratchet.worker.run())
        if "worker" in roles and ratchet.models is not None and settings.model_check:
            tasks["models"] = group.create_task(check_at_start(ratchet.models))
        if "web" in roles or "worker" in roles:
            tasks["mcp"] = group.create_task(ratchet.mcp.run())
        if "web" in roles:
            web = create_app(services(ratchet, settings, roles))
            tasks["web"] = group.create_task(serve(web, split_addr(settings.http_addr)))
        keep_for_good()
        log.info("started", team=ratchet.account.team_name, roles=roles)
        if on_ready is not None:
            on_ready(ratchet)
        await stop.wait()
        log.info("stopping")
        if "hearing" in tasks:
            tasks["hearing"].cancel()
        await ratchet.worker.stop(GRACE_S)
        for task in tasks.values():
            task.cancel()
