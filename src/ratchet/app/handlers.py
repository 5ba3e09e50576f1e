"""What is done about a message: the handlers, with what each of them reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from ratchet.alerts import likeness
from ratchet.app.models import Thinking
from ratchet.handlers import default_handlers
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler, Handlers
from ratchet.handlers.channel_monitor import ChannelMonitors
from ratchet.handlers.evidence import Gather
from ratchet.handlers.monitor_trial import MODEL_S
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
from ratchet.handlers.update_docs import UpdateDocs
from ratchet.llm.turn import Model
from ratchet.pipeline.classify import BuiltIn, Classifier, OwnExecutable
from ratchet.pipeline.desk import Desk
from ratchet.pipeline.executable import CleanRoom
from ratchet.pipeline.monitors import MonitorFile
from ratchet.pipeline.progress import SlackProgress
from ratchet.settings import Settings
from ratchet.slack.identity import Account
from ratchet.store.approvals import OpenQuestions
from ratchet.store.channels import Channels
from ratchet.store.conversations import Conversations
from ratchet.store.document_evidence import DocumentEvidence
from ratchet.store.document_search import DocumentSearch
from ratchet.store.embeddings import Embedder
from ratchet.store.help_threads import HelpThreads
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.store.runbooks import Runbooks
from ratchet.store.similar import SimilarAlerts
from ratchet.tools.base import WorkspaceLinks
from ratchet.web.services import utc_now

log = structlog.get_logger(__name__)

# What is left to a handler when a turn has used all of its time, so that it still ends in quotes.
QUOTES_S: Final = 45.0


def all_handlers(
    settings: Settings,
    db: Database,
    account: Account,
    thinking: Thinking,
    progress: SlackProgress,
    desk: Desk,
) -> Sequence[Handler | Handlers]:
    """What is done about a message, each with what it reads."""
    runner, links, embedding = thinking.runner, WorkspaceLinks(account.team_url), thinking.embedding
    storms = StormLimits(settings.storm_alerts, timedelta(minutes=settings.storm_minutes))
    writer, teller = runbook_rooms(db, account.team_url, runner, embedding.texts)
    told = ToldRunbooks(writer, teller, utc_now)
    return default_handlers(
        RunbookHandler(writer, teller, Incidents(db), storms),
        LearnRunbook(writer),
        RunbookRequest(writer, teller),
        ChangeRunbook(writer, Incidents(db), links, Channels(db)),
        channel_monitors(settings, runner),
        _assistant(
            settings,
            Reader(db, embedder=embedding.questions),
            links,
            runner,
            told,
            (DocumentSearch(db, embedding.questions), HelpThreads(db), desk),
        ),
        Talk(
            Channels(db),
            Conversations(db),
            links,
            progress,
            OpenQuestions(db),
            DocumentEvidence(db, embedding.questions),
            settings.time_zone,
        ),
    )


def _assistant(
    settings: Settings,
    reader: Reader,
    links: WorkspaceLinks,
    runner: Model | None,
    runbooks: ToldRunbooks,
    written: tuple[DocumentSearch, HelpThreads, Desk],
) -> Assistant:
    return Assistant(
        reader,
        links,
        runner,
        runbooks,
        reader,
        budget=settings.turn_budget,
        timeout_s=settings.turn_seconds + QUOTES_S,
        documents=written[0],
        gaps=written[1],
        desk=written[2],
    )


def update_docs(
    settings: Settings, account: Account, runner: Model | None, documents: DocumentSearch, desk: Desk
) -> UpdateDocs:
    """What the message shortcut does."""
    links = WorkspaceLinks(account.team_url)
    searched = documents if settings.sources else None
    return UpdateDocs(Reader(desk.db), links, searched, desk, runner, settings.turn_budget)


def runbook_rooms(
    db: Database, team_url: str, model: Model | None = None, embedder: Embedder | None = None
) -> tuple[RunbookWriter, RunbookTeller]:
    """Who writes a runbook, and who puts it into words with links into the workspace at `team_url`."""
    # Documents that name an alert are found by words alone: no embedding is needed for it.
    similar = SimilarAlerts(db, likeness, embedder)
    gather = Gather(Incidents(db), Messages(db), DocumentSearch(db), similar)
    by_model = ModelWriter(model) if model is not None else None
    writer = RunbookWriter(gather, Runbooks(db), Messages(db), by_model)
    return writer, RunbookTeller(Channels(db), WorkspaceLinks(team_url))


def channel_monitors(settings: Settings, runner: Model | None) -> ChannelMonitors:
    source = MonitorFile.open(settings.channel_monitor_config_file)
    if source.monitors.by_name and runner is None:
        log.warning(
            "channel_monitors_inactive",
            monitors=sorted(source.monitors.by_name),
            remedy="they need a language model; docs/models.md",
        )
    return ChannelMonitors(source, runner, CleanRoom(), min(MODEL_S, settings.turn_seconds))


def classifier_of(settings: Settings) -> Classifier:
    command = settings.classifier_command
    built_in = BuiltIn(settings.rules)
    return OwnExecutable(command, fallback=built_in) if command else built_in
