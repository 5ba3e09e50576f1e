"""What a server says, made into values of ours: its tools and their results, bounded. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)

from ratchet.llm.data import cut, neutralised
from ratchet.llm.external import ExternalTool
from ratchet.llm.mcp_config import Approval, McpServer

MAX_NAME: Final = 64
MAX_TOOLS: Final = 40
DESCRIPTION_CHARS: Final = 1_000
HINT_CHARS: Final = 300
SCHEMA_CHARS: Final = 8_000
SCHEMA_DEPTH: Final = 16
# More than any budget shows; what is longer is cut before it is searched for secrets.
RESULT_CHARS: Final = 100_000

Call = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class _WrongError(ValueError):
    """Why a tool cannot be offered."""


def offered(
    server: McpServer, tools: Iterable[Tool], call: Call
) -> tuple[tuple[ExternalTool, ...], dict[str, str]]:
    """The tools that the assistant may be given, in the server's order; the names of the others, and why."""
    chosen: dict[str, ExternalTool] = {}
    left_out: dict[str, str] = {}
    for tool in tools:
        try:
            made = _tool(server, tool, call)
            if made.name in chosen:
                raise _WrongError("another tool has the same name")
            if len(chosen) >= MAX_TOOLS:
                raise _WrongError(f"more than {MAX_TOOLS} tools; choose with include")
            chosen[made.name] = made
        except _WrongError as error:
            left_out.setdefault(cut(tool.name, MAX_NAME), str(error))
    return tuple(chosen.values()), left_out


def _tool(server: McpServer, tool: Tool, call: Call) -> ExternalTool:
    title = tool.name
    if not any(fnmatchcase(title, pattern) for pattern in server.include):
        raise _WrongError("not included")
    if any(fnmatchcase(title, pattern) for pattern in server.exclude):
        raise _WrongError("excluded")

    async def run(arguments: Mapping[str, Any]) -> Any:
        return await call(title, arguments)

    return ExternalTool(
        server=server.name,
        name=prefixed(server.name, title),
        title=title,
        description=cut((tool.description or tool.title or title).strip(), DESCRIPTION_CHARS),
        parameters=_schema(tool.input_schema),
        needs_approval=_needs_approval(server.approval, tool),
        timeout_s=server.timeout_s,
        call=run,
    )


def _needs_approval(approval: Approval, tool: Tool) -> bool:
    """The hint is the server's own word: an operator who does not trust it says `always`."""
    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    return approval == "always" or (approval == "writes" and not read_only)


def prefixed(server: str, tool: str) -> str:
    """A name that every model's API accepts."""
    name = f"{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool)}"
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME - 9]}_{hashlib.sha256(tool.encode()).hexdigest()[:8]}"


def _schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if schema.get("type") != "object":
        raise _WrongError("its parameters are no object")
    found = _bounded(schema, 0)
    assert isinstance(found, dict)
    if len(json.dumps(found, ensure_ascii=False)) > SCHEMA_CHARS:
        raise _WrongError(f"its parameters take more than {SCHEMA_CHARS} characters to describe")
    return found


def _bounded(value: Any, depth: int) -> Any:
    """The schema with every text in it short, and unable to end what marks data."""
    if depth > SCHEMA_DEPTH:
        raise _WrongError("its parameters are nested too deeply")
    if isinstance(value, str):
        return cut(neutralised(value), HINT_CHARS)
    if isinstance(value, Mapping):
        return {str(key): _bounded(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item, depth + 1) for item in value]
    return value


def result(answer: CallToolResult) -> Any:
    """JSON values; a long answer as text, its middle left out."""
    if answer.structured_content is None:
        return cut(text(answer.content), RESULT_CHARS)
    written = json.dumps(answer.structured_content, ensure_ascii=False)
    return answer.structured_content if len(written) <= RESULT_CHARS else cut(written, RESULT_CHARS)


def text(content: Sequence[ContentBlock]) -> str:
    return "\n".join(map(_block, content)) or "(no content)"


def _block(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case ImageContent() | AudioContent():
            return f"[{block.type}, {block.mime_type}, not shown]"
        case _:
            return "[binary content, not shown]"
