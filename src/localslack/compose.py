"""What a person types, in the form Slack stores: escaped, with mentions and links marked, and rich text."""

from __future__ import annotations

import re

from localslack.model import Json
from localslack.workspace import Workspace

_TOKENS = re.compile(
    r"(?P<code>`{3}[\s\S]+?`{3}|`[^`\n]+`)|(?P<url>https?://[^\s<>`]+)"
    r"|(?P<user>(?<!\w)@[\w.\-]+)|(?P<channel>(?<!\w)#[\w\-]+)"
)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(ws: Workspace, text: str) -> tuple[str, list[Json]]:
    """(text, blocks) of a message that someone typed: `@name`, `#channel` and addresses become marks."""
    parts: list[str] = []
    elements: list[Json] = []
    end = 0
    for found in _TOKENS.finditer(text):
        _plain(text[end : found.start()], parts, elements)
        mark, element = _mark(ws, found)
        parts.append(mark)
        elements.append(element)
        end = found.end()
    _plain(text[end:], parts, elements)
    section = {"type": "rich_text_section", "elements": elements}
    return "".join(parts), [{"type": "rich_text", "elements": [section]}] if elements else []


def _plain(text: str, parts: list[str], elements: list[Json]) -> None:
    if text:
        parts.append(escape(text))
        elements.append({"type": "text", "text": text})


def _mark(ws: Workspace, found: re.Match[str]) -> tuple[str, Json]:
    token = found[0]
    if found["url"]:
        return f"<{escape(token)}>", {"type": "link", "url": token}
    if found["code"]:
        return escape(token), {"type": "text", "text": token.strip("`"), "style": {"code": True}}
    if found["user"]:
        user = next((user for user in ws.users.values() if user.name == token[1:]), None)
        if user:
            return f"<@{user.id}>", {"type": "user", "user_id": user.id}
        if token in ("@here", "@channel", "@everyone"):
            return f"<!{token[1:]}>", {"type": "broadcast", "range": token[1:]}
    channel = next((c for c in ws.channels.values() if c.name == token[1:]), None)
    if found["channel"] and channel:
        return f"<#{channel.id}|{channel.name}>", {"type": "channel", "channel_id": channel.id}
    return escape(token), {"type": "text", "text": token}
