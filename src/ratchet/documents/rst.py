"""The structure of reStructuredText: title, fields, sections. Nothing is included, run or fetched. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from docutils import nodes
from docutils.core import publish_doctree
from docutils.utils import SystemMessage

from ratchet.documents.markdown import MAX_HEADING_CHARS, Parsed, Section

# docutils takes seconds for more; then paragraphs are enough.
MAX_CHARS: Final = 400_000
SETTINGS: Final[Mapping[str, Any]] = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "exit_status_level": 5,
    "warning_stream": io.StringIO(),
    "traceback": False,
    "line_length_limit": 20_000,
    "syntax_highlight": "none",
    "smart_quotes": False,
    "embed_stylesheet": False,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
}
# Sphinx's roles, which docutils leaves as they stand: :ref:`words <target>`.
_ROLE: Final = re.compile(r":[A-Za-z][A-Za-z0-9:+._-]{0,40}:`([^`<>]*?)(?:\s*<[^`<>]*>)?`")
_NEVER: Final = (".. raw::", ".. include::", ".. literalinclude::")
_LEFT_OUT: Final = (nodes.comment, nodes.substitution_definition, nodes.target, nodes.docinfo, nodes.title)


def parse(text: str) -> Parsed | None:
    """None when docutils cannot read it, or it is too long: it is plain text then."""
    if len(text) > MAX_CHARS:
        return None
    try:
        tree = publish_doctree(text, settings_overrides=dict(SETTINGS))
    except (SystemMessage, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        # Broken markup breaks docutils in as many ways.
        return None
    sections = tuple(_sections(tree, ()))
    title = next((section.headings[0] for section in sections if section.headings), "")
    return Parsed(title, sections, _fields(tree))


def _sections(parent: nodes.Element, path: tuple[str, ...]) -> Iterator[Section]:
    """The parent's own text, then its sections'. A document with one section gives its title to the whole."""
    own = path
    if isinstance(parent, nodes.document) and isinstance(parent.next_node(nodes.title), nodes.title):
        first = parent.children[0] if parent.children else None
        own = (_heading(first),) if isinstance(first, nodes.title) else path
    body = "\n\n".join(filter(None, map(_block, _own(parent))))
    if body.strip() or own:
        yield Section(own, body)
    for child in parent.children:
        if isinstance(child, nodes.section):
            yield from _sections(child, (*own, _heading(child.next_node(nodes.title))))


def _own(parent: nodes.Element) -> Iterator[nodes.Node]:
    for child in parent.children:
        if not isinstance(child, nodes.section | nodes.subtitle):
            yield child


def _heading(title: nodes.Node | None) -> str:
    return " ".join(title.astext().split())[:MAX_HEADING_CHARS] if title is not None else ""


def _block(node: nodes.Node) -> str:  # noqa: PLR0911  # one kind of block a line
    """One block as text that reads like Markdown."""
    match node:
        case nodes.system_message():
            return _unknown(node)
        case nodes.literal_block():
            return f"```\n{node.astext()}\n```"
        case nodes.bullet_list() | nodes.enumerated_list():
            return "\n".join(f"- {_indented(item)}" for item in node.children)
        case nodes.table():
            return "\n".join(_row(row) for row in node.findall(nodes.row))
        case _ if isinstance(node, _LEFT_OUT):
            return ""
        case nodes.TextElement():
            return _ROLE.sub(r"\1", node.astext())
        case nodes.Element():
            return "\n\n".join(filter(None, map(_block, node.children)))
        case _:
            return node.astext()


def _indented(item: nodes.Node) -> str:
    blocks = "\n\n".join(filter(None, map(_block, getattr(item, "children", ()))))
    return blocks.replace("\n", "\n  ")


def _row(row: nodes.Node) -> str:
    cells = [" ".join(cell.astext().split()) for cell in row.findall(nodes.entry)]
    return f"| {' | '.join(cells)} |"


def _unknown(message: nodes.system_message) -> str:
    """A directive that docutils does not know, such as Sphinx's own, keeps what stands in it."""
    raw = message.next_node(nodes.literal_block)
    lines = raw.astext().splitlines() if raw is not None else []
    if not lines or not lines[0].startswith(".. ") or lines[0].startswith(_NEVER):
        return ""
    kept = [line.strip() for line in lines[1:] if line.strip() and not line.strip().startswith(":")]
    return "\n".join(kept)


def _fields(tree: nodes.document) -> dict[str, Any]:
    """The document's bibliographic fields, such as `:alert: HighLatency`, as front matter."""
    found: dict[str, Any] = {}
    for field in tree.findall(nodes.field):
        if isinstance(field.parent, nodes.docinfo | nodes.field_list) and len(field.children) == 2:
            name, body = field.children
            found.setdefault(name.astext().strip().lower(), body.astext().strip())
    return found
