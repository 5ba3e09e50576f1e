"""What the assistant may do: one file a tool. `builtin` is the one ordered list."""

from __future__ import annotations

from ratchet.llm.turn import Tool
from ratchet.tools.base import ToolDeps
from ratchet.tools.channel_report import ChannelReportTool
from ratchet.tools.doc_gaps import DocGapsTool
from ratchet.tools.docread import DocReadTool
from ratchet.tools.docsearch import DocSearchTool
from ratchet.tools.docupdate import DocUpdateTool
from ratchet.tools.incidents import IncidentsTool
from ratchet.tools.list_alerts import ListAlertsTool
from ratchet.tools.read_thread import ReadThreadTool
from ratchet.tools.runbook import RunbookTool
from ratchet.tools.search_messages import SearchMessagesTool
from ratchet.tools.usage_report import UsageReportTool


def builtin(deps: ToolDeps, asked_in: str) -> list[Tool]:
    """The tools for a question asked in the channel with the id `asked_in`, in the order shown."""
    runbooks = [RunbookTool(deps.runbooks, asked_in)] if deps.runbooks else []
    documents = [deps.documents] if deps.documents else []
    return [
        *(Tool(tool.runbook) for tool in runbooks),
        *(Tool(DocSearchTool(reader).docsearch) for reader in documents),
        *(Tool(DocReadTool(reader).docread) for reader in documents),
        *(Tool(DocUpdateTool(reader, deps.proposals).docupdate) for reader in documents if deps.proposals),
        Tool(SearchMessagesTool(deps, asked_in, deps.asking).search_messages),
        Tool(ReadThreadTool(deps, asked_in).read_thread),
        Tool(IncidentsTool(deps, asked_in).incidents),
        Tool(ListAlertsTool(deps, asked_in).list_alerts),
        Tool(ChannelReportTool(deps, asked_in).channel_report),
        Tool(UsageReportTool(deps, asked_in).usage_report),
        *([Tool(DocGapsTool(deps, deps.gaps, asked_in).doc_gaps)] if deps.gaps else []),
    ]
