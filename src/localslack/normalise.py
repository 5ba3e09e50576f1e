"""What Slack makes of blocks and attachments between writing and reading."""

from __future__ import annotations

from collections.abc import Callable

from localslack.model import Json

COLOURS = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}
_DROPPED_WHEN_EMPTY = (
    "text",
    "pretext",
    "title",
    "title_link",
    "footer",
    "callback_id",
    "author_name",
    "author_link",
    "image_url",
    "thumb_url",
    "color",
)


def blocks_as_read(blocks: list[Json], number: Callable[[], int]) -> list[Json]:
    """Every block has a `block_id`; a button or select without an `action_id` gets one."""
    return [_block(block, number) for block in blocks]


def attachments_as_read(attachments: list[Json], number: Callable[[], int]) -> list[Json]:
    """Numbered from 1, colours as bare hex, empty strings gone, blocks with a stand-in fallback."""
    return [_attachment(item, place, number) for place, item in enumerate(attachments, start=1)]


def colour(value: str) -> str:
    return COLOURS.get(value, value.removeprefix("#"))


def _block(block: Json, number: Callable[[], int]) -> Json:
    read = {**block, "block_id": block.get("block_id") or f"b{number()}"}
    if isinstance(read.get("elements"), list) and read.get("type") in ("actions", "context_actions"):
        read["elements"] = [_element(element, number) for element in read["elements"]]
    if isinstance(read.get("accessory"), dict):
        read["accessory"] = _element(read["accessory"], number)
    return read


def _element(element: Json, number: Callable[[], int]) -> Json:
    return {**element, "action_id": element.get("action_id") or f"a{number()}"}


def _attachment(item: Json, place: int, number: Callable[[], int]) -> Json:
    read = {key: value for key, value in item.items() if value != "" or key not in _DROPPED_WHEN_EMPTY}
    read["id"] = item.get("id") or place
    if read.get("color"):
        read["color"] = colour(str(read["color"]))
    if read.get("blocks"):
        read["blocks"] = blocks_as_read(read["blocks"], number)
    if not read.get("fallback"):
        read["fallback"] = _fallback(read)
    return read


def _fallback(item: Json) -> str:
    if item.get("blocks"):
        return "[no preview available]"
    return str(item.get("title") or item.get("text") or item.get("pretext") or "[no preview available]")
