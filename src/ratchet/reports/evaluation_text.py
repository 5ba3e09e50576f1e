"""What Ratchet said, as Markdown again, from the message object that Slack keeps of it. Pure.

Slack may keep a Markdown block as it was posted, or turn it into rich text:
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

MAX_DEPTH: Final = 12
# Footer, buttons and the like are no part of the answer.
SPOKEN: Final = frozenset({"markdown", "rich_text", "section", "header"})
_LINK: Final = re.compile(r"<(https?://[^|>\s]{1,4000})(?:\|([^>\n]{0,1000}))?>")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def spoken(payload: Json) -> str:
    """The answer in one of its messages, without footer and buttons; "" when there is none."""
    blocks = [block for block in _objects(payload.get("blocks")) if _text(block, "type") in SPOKEN]
    if not blocks:
        return _plain(_text(payload, "text"))
    return "\n\n".join(filter(None, map(_block, blocks)))


def _block(block: Json) -> str:
    if block.get("type") == "rich_text":
        return "\n".join(filter(None, (_part(part, 0) for part in _objects(block.get("elements"))))).strip()
    text = block.get("text")
    if isinstance(text, Mapping):
        return _plain(_text(text, "text")).strip()
    return text.strip() if isinstance(text, str) else ""


def _part(part: Json, depth: int) -> str:
    """A section, list, quote or block of code."""
    inner = list(_objects(part.get("elements")))
    match part.get("type"):
        case "rich_text_list" if depth < MAX_DEPTH:
            mark = "1. " if part.get("style") == "ordered" else "- "
            indent = "  " * _number(part.get("indent"))
            return "\n".join(f"{indent}{mark}{_part(item, depth + 1)}" for item in inner)
        case "rich_text_preformatted":
            return f"```\n{_raw(inner)}\n```"
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _leaves(inner).splitlines())
        case _:
            return _leaves(inner)


def _leaves(elements: list[Json]) -> str:
    return "".join(map(_leaf, elements)).rstrip("\n")


def _leaf(element: Json) -> str:
    text = _text(element, "text")
    styles = element.get("style")
    if isinstance(styles, Mapping) and styles.get("code") and text:
        text = f"`{text}`"
    match element.get("type"):
        case "link":
            url = _text(element, "url")
            return f"[{text}]({url})" if text else url
        case "emoji":
            return f":{_text(element, 'name')}:"
        case "user" | "usergroup" | "channel" | "broadcast":
            return "@someone"
        case _:
            return text


def _raw(elements: list[Json]) -> str:
    """What stands in a block of code: links are their addresses."""
    return "".join(_text(element, "text") or _text(element, "url") for element in elements).rstrip("\n")


def _plain(text: str) -> str:
    """Slack's own mark-up for links and escapes, as Markdown."""

    def link(found: re.Match[str]) -> str:
        return f"[{found[2]}]({found[1]})" if found[2] else found[1]

    text = _LINK.sub(link, text)
    for escaped, character in _ENTITIES:
        text = text.replace(escaped, character)
    return text


def _objects(value: object) -> Iterator[Json]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _text(values: Json, key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return min(max(value, 0), MAX_DEPTH) if isinstance(value, int) else 0
