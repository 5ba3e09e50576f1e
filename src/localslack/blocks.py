"""Block Kit's limits, so that a message Slack would refuse is refused here.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from localslack.errors import SlackError
from localslack.model import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MARKDOWN_TOTAL = 12_000
MESSAGE_TOTAL = 13_200
"""Characters of all blocks together; found by experiment, Slack does not document it."""

Problems = Iterator[tuple[str, str]]
"""(what is wrong, JSON pointer)."""


def check_message(blocks: Any) -> None:
    """Raises invalid_blocks, invalid_blocks_format or msg_blocks_too_long."""
    _check(blocks, MESSAGE_BLOCKS, "/blocks")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_TOTAL or _characters(blocks) > MESSAGE_TOTAL:
        raise SlackError("msg_blocks_too_long")


def check_view(view: Any) -> None:
    """Raises invalid_arguments for a view that has no known type, title or valid blocks."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise _invalid("invalid_arguments", [("must be a valid view type", "/view/type")])
    if view["type"] == "modal":
        problems = list(_plain(view.get("title"), 24, "/view/title"))
        if problems:
            raise _invalid("invalid_arguments", problems)
    try:
        _check(view.get("blocks"), VIEW_BLOCKS, "/view/blocks")
    except SlackError as error:
        raise SlackError("invalid_arguments", **error.extra) from None


def check_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(item, dict) for item in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > 100:
        raise SlackError("too_many_attachments")
    for place, item in enumerate(attachments):
        if item.get("blocks"):
            _check(item["blocks"], MESSAGE_BLOCKS, f"/attachments/{place}/blocks")


def check_metadata(metadata: Any) -> None:
    """`{"event_type": text, "event_payload": object}`; raises invalid_metadata_format and its like."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if not metadata["event_type"] or not set(metadata) <= {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > 16_000:
        raise SlackError("metadata_too_large")


def _check(blocks: Any, most: int, pointer: str) -> None:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    problems: list[tuple[str, str]] = []
    if len(blocks) > most:
        problems.append((f"no more than {most} items allowed", pointer))
    for place, block in enumerate(blocks):
        problems.extend(_block(block, f"{pointer}/{place}"))
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        problems.append(("block_id must be unique", pointer))
    if problems:
        raise _invalid("invalid_blocks", problems)


def _invalid(code: str, problems: list[tuple[str, str]]) -> SlackError:
    errors = [f"{what} [json-pointer:{where}]" for what, where in problems]
    return SlackError(
        code, errors=errors, response_metadata={"messages": [f"[ERROR] {error}" for error in errors]}
    )


def _block(block: Json, pointer: str) -> Problems:
    check = CHECKS.get(str(block.get("type")))
    if check is None:
        yield f"unsupported type: {block.get('type')}", f"{pointer}/type"
        return
    if len(str(block.get("block_id", ""))) > 255:
        yield "must be less than 256 characters", f"{pointer}/block_id"
    yield from check(block, pointer)


def _length(value: Any, most: int, pointer: str, *, least: int = 1) -> Problems:
    if not isinstance(value, str):
        yield "must be a string", pointer
    elif len(value) < least:
        yield f"must be more than {least - 1} characters", pointer
    elif len(value) > most:
        yield f"must be less than {most + 1} characters", pointer


def _text(value: Any, most: int, pointer: str) -> Problems:
    if not isinstance(value, dict) or value.get("type") not in ("mrkdwn", "plain_text"):
        yield "must be a valid text object", pointer
        return
    yield from _length(value.get("text"), most, f"{pointer}/text")


def _plain(value: Any, most: int, pointer: str) -> Problems:
    if not isinstance(value, dict) or value.get("type") != "plain_text":
        yield "must be a plain_text object", pointer
        return
    yield from _length(value.get("text"), most, f"{pointer}/text")


def _items(value: Any, most: int, pointer: str) -> Problems:
    if not isinstance(value, list):
        yield "must be an array", pointer
    elif not value:
        yield "must provide at least 1 item", pointer
    elif len(value) > most:
        yield f"no more than {most} items allowed", pointer


def _section(block: Json, pointer: str) -> Problems:
    if block.get("text") is None and not block.get("fields"):
        yield "missing required field: text or fields", pointer
    if block.get("text") is not None:
        yield from _text(block["text"], 3_000, f"{pointer}/text")
    if block.get("fields") is not None:
        yield from _items(block["fields"], 10, f"{pointer}/fields")
        for place, entry in enumerate(block["fields"]):
            yield from _text(entry, 2_000, f"{pointer}/fields/{place}")
    if block.get("accessory") is not None:
        yield from _element(block["accessory"], f"{pointer}/accessory")


def _header(block: Json, pointer: str) -> Problems:
    yield from _plain(block.get("text"), 150, f"{pointer}/text")


def _context(block: Json, pointer: str) -> Problems:
    yield from _items(block.get("elements"), 10, f"{pointer}/elements")
    for place, element in enumerate(block.get("elements") or []):
        if not isinstance(element, dict) or element.get("type") != "image":
            yield from _text(element, 3_000, f"{pointer}/elements/{place}")


def _actions(block: Json, pointer: str) -> Problems:
    yield from _items(block.get("elements"), 25, f"{pointer}/elements")
    elements = block.get("elements") or []
    for place, element in enumerate(elements):
        yield from _element(element, f"{pointer}/elements/{place}")
    ids = [item["action_id"] for item in elements if isinstance(item, dict) and item.get("action_id")]
    if len(ids) != len(set(ids)):
        yield "action_id must be unique within a block", f"{pointer}/elements"


def _context_actions(block: Json, pointer: str) -> Problems:
    yield from _items(block.get("elements"), 5, f"{pointer}/elements")
    for place, element in enumerate(block.get("elements") or []):
        yield from _element(element, f"{pointer}/elements/{place}")


def _element(element: Any, pointer: str) -> Problems:
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        yield "must be a valid element", pointer
        return
    if len(str(element.get("action_id", ""))) > 255:
        yield "must be less than 256 characters", f"{pointer}/action_id"
    if element["type"] == "button":
        yield from _button(element, pointer)
    elif element["type"] == "feedback_buttons":
        for side in ("positive_button", "negative_button"):
            yield from _button(element.get(side), f"{pointer}/{side}")


def _button(button: Any, pointer: str) -> Problems:
    if not isinstance(button, dict):
        yield "must be a button", pointer
        return
    yield from _plain(button.get("text"), 75, f"{pointer}/text")
    for key, most in (("value", 2_000), ("url", 3_000), ("accessibility_label", 75)):
        if button.get(key) is not None:
            yield from _length(button[key], most, f"{pointer}/{key}", least=0)
    if button.get("style") not in (None, "primary", "danger"):
        yield "must be one of: primary, danger", f"{pointer}/style"


def _markdown(block: Json, pointer: str) -> Problems:
    # Length is judged over the whole message, where Slack answers msg_blocks_too_long.
    yield from _length(block.get("text"), 1_000_000, f"{pointer}/text")


def _image(block: Json, pointer: str) -> Problems:
    if not block.get("image_url") and not block.get("slack_file"):
        yield "missing required field: image_url or slack_file", pointer
    yield from _length(block.get("image_url", ""), 3_000, f"{pointer}/image_url", least=0)
    yield from _length(block.get("alt_text"), 2_000, f"{pointer}/alt_text")


def _rich_text(block: Json, pointer: str) -> Problems:
    yield from _items(block.get("elements"), 1_000, f"{pointer}/elements")


def _table(block: Json, pointer: str) -> Problems:
    yield from _items(block.get("rows"), 100, f"{pointer}/rows")
    for place, row in enumerate(block.get("rows") or []):
        yield from _items(row, 20, f"{pointer}/rows/{place}")


def _input(block: Json, pointer: str) -> Problems:
    yield from _plain(block.get("label"), 2_000, f"{pointer}/label")
    yield from _element(block.get("element"), f"{pointer}/element")


def _anything(block: Json, pointer: str) -> Problems:
    yield from ()


CHECKS: dict[str, Callable[[Json, str], Problems]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "context_actions": _context_actions,
    "markdown": _markdown,
    "divider": _anything,
    "image": _image,
    "rich_text": _rich_text,
    "table": _table,
    "input": _input,
    "file": _anything,
    "video": _anything,
}


def _characters(value: Any) -> int:
    """All text in the blocks: what people see, not keys and types."""
    if isinstance(value, dict):
        return sum(_characters(item) for key, item in value.items() if key not in _NOT_SHOWN)
    if isinstance(value, list):
        return sum(_characters(item) for item in value)
    return len(value) if isinstance(value, str) else 0


_NOT_SHOWN = frozenset({"type", "block_id", "action_id", "value", "style", "url", "image_url"})
