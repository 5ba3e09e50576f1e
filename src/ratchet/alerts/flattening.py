"""Slack's message object -> one string that people, search and models can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NO_PREVIEW = "[no preview available]"
MAX_DEPTH = 24

_ANGLE = re.compile(r"<([^<>\n]{1,4000})>")
_URL = re.compile(r"https?://\S+")
_WORD = re.compile(r"\w+")
_NOT_WORD = re.compile(r"\W+")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ENTITY = re.compile(r"&(?:lt|gt|amp);")


def flatten(payload: Mapping[str, Any]) -> str:
    """All words of a message, one piece per line, without repeats; "" when it has none.

    Order: text, blocks, per attachment (pretext, title, text, fields, blocks, and the fallback if it adds
    words), file titles. Wrong types are skipped, never an error. Links become `label (url)`; people stay
    `<@U…>`. The result holds no NUL and no lone surrogate, so that PostgreSQL accepts it.
    """
    pieces = _Pieces()
    pieces.add(string(payload.get("text")))
    for piece in block_texts(payload.get("blocks")):
        pieces.add(piece)
    for attachment in mappings(payload.get("attachments")):
        _add_attachment(pieces, attachment)
    for file in mappings(payload.get("files")):
        pieces.add(string(file.get("title")) or string(file.get("name")))
    return storable("\n".join(pieces.kept))


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL's text type refuses."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # UTF-16 joins two halves that were escaped separately; only what stays alone is dropped.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return text


def string(value: object) -> str:
    """A string as it is, a number in digits, "" for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(value) if abs(value) < 1e18 else ""


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a JSON list; nothing for any other type."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in value:
            if isinstance(item, Mapping):
                yield item


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def readable(text: str) -> str:
    """Slack's escapes resolved: `<url|label>` -> `label (url)`, `<!here>` -> `@here`, `&lt;` -> `<`."""
    if "<" in text:
        text = _ANGLE.sub(_angle, text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
    return text


def _angle(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    label = label.strip()
    if target.startswith("@"):
        return f"<{target}>"
    if target.startswith("#"):
        return f"#{label}" if label else f"<{target}>"
    if target.startswith("!"):
        return _command(target, label)
    if "://" in target or target.startswith(("mailto:", "tel:")):
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        return f"{label} ({bare})" if label and label not in {bare, target} else bare
    return found[0]


def _command(target: str, label: str) -> str:
    """`<!here>`, `<!subteam^S…|@name>`, `<!date^…|fallback>`."""
    if target in {"!here", "!channel", "!everyone"}:
        return f"@{target[1:]}"
    if label:
        return label
    return f"<{target}>"


class _Pieces:
    """Pieces in order; one that an earlier piece already holds, mark-up aside, is dropped."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self._seen: set[str] = set()
        self._bare: list[str] = []

    def add(self, raw: str) -> None:
        text = readable(raw).strip()
        if not text or text == NO_PREVIEW:
            return
        bare = _NOT_WORD.sub(" ", text).strip().casefold() or text
        if bare in self._seen or any(f" {bare} " in earlier for earlier in self._bare):
            return
        self._seen.add(bare)
        self._bare.append(f" {bare} ")
        self.kept.append(text)

    def add_fallback(self, raw: str) -> None:
        """Only when it has a word that is nowhere yet; addresses do not count as words."""
        known = set().union(*(earlier.split() for earlier in self._bare)) if self._bare else set()
        words = _WORD.findall(_URL.sub(" ", readable(raw)).casefold())
        if any(word not in known for word in words):
            self.add(raw)


def _add_attachment(pieces: _Pieces, attachment: Mapping[str, Any]) -> None:
    for name in ("pretext", "title", "text"):
        pieces.add(string(attachment.get(name)))
    for title, value in field_pairs(attachment):
        pieces.add(f"{title}: {value}" if title and value else title or value)
    for piece in block_texts(attachment.get("blocks")):
        pieces.add(piece)
    fallback = string(attachment.get("fallback"))
    if fallback != NO_PREVIEW:
        pieces.add_fallback(fallback)


def field_pairs(attachment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """An attachment's fields as (title, value)."""
    for field in mappings(attachment.get("fields")):
        yield string(field.get("title")).strip(), string(field.get("value")).strip()


def block_texts(blocks: object) -> Iterator[str]:
    """The text of each part of Block Kit blocks, in reading order; buttons and images are not text."""
    for block in mappings(blocks):
        yield from _block(block)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind == "rich_text":
        yield _rich(block.get("elements"), 0)
        return
    if kind == "table":
        yield from _table(block.get("rows"))
        return
    yield _text_object(block.get("text"))
    for field in mappings(block.get("fields")):
        yield _text_object(field)
    if kind == "context":
        for element in mappings(block.get("elements")):
            yield _text_object(element)


def _text_object(value: object) -> str:
    """A text object, or (markdown blocks) the string itself."""
    return string(value) or string(mapping(value).get("text"))


def _table(rows: object) -> Iterator[str]:
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        return
    for row in rows:
        yield " | ".join(_cell(cell) for cell in mappings(row))


def _cell(cell: Mapping[str, Any]) -> str:
    return _rich(cell.get("elements"), 0) if cell.get("type") == "rich_text" else _text_object(cell)


def _rich(elements: object, depth: int) -> str:
    if depth > MAX_DEPTH:
        return ""
    return "".join(_rich_element(element, depth) for element in mappings(elements)).strip("\n")


def _rich_element(element: Mapping[str, Any], depth: int) -> str:
    kind = element.get("type")
    inner = element.get("elements")
    if kind == "rich_text_list":
        return "\n".join(f"• {_rich([item], depth + 1)}" for item in mappings(inner)) + "\n"
    if inner is not None:
        return _rich(inner, depth + 1) + "\n"
    return _rich_leaf(kind, element)


def _rich_leaf(kind: object, element: Mapping[str, Any]) -> str:
    text = string(element.get("text"))
    if kind == "link":
        url = string(element.get("url"))
        return f"<{url}|{text}>" if text else url
    for name, key, mark in _MENTIONS:
        if kind == name:
            return mark.format(string(element.get(key)))
    # Rich text is not escaped, unlike `text`: escape so that one `readable` serves both.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_MENTIONS = (
    ("user", "user_id", "<@{}>"),
    ("usergroup", "usergroup_id", "<!subteam^{}>"),
    ("channel", "channel_id", "<#{}>"),
    ("broadcast", "range", "@{}"),
    ("emoji", "name", ":{}:"),
    ("date", "fallback", "{}"),
)

__all__ = [
    "block_texts",
    "field_pairs",
    "flatten",
    "mapping",
    "mappings",
    "readable",
    "storable",
    "string",
]
