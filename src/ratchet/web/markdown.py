"""Markdown as HTML for pages: what people, documents and models wrote is data, no HTML of theirs passes."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markupsafe import Markup

SCHEMES: Final = frozenset({"http", "https"})
MAX_NESTING: Final = 20


def rendered(text: str) -> Markup:
    """Links lead to http and https alone; pictures become links, so that nothing is loaded from elsewhere."""
    return Markup(_renderer().render(text))  # noqa: S704  html is off


def is_web_address(address: str) -> bool:
    try:
        return urlsplit(address.strip()).scheme.lower() in SCHEMES
    except ValueError:
        return False


class Renderer(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        """See `is_web_address`."""
        return is_web_address(url)


@cache
def _renderer() -> MarkdownIt:
    made = Renderer("commonmark", {"html": False, "maxNesting": MAX_NESTING, "breaks": True})
    made.enable(["table", "strikethrough"]).disable("image")
    made.add_render_rule("link_open", _link)
    made.add_render_rule("heading_open", _heading)
    made.add_render_rule("heading_close", _heading)
    return made


def _link(renderer: Any, tokens: Any, number: int, options: Any, env: Any) -> str:
    tokens[number].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, number, options, env))


def _heading(renderer: Any, tokens: Any, number: int, options: Any, env: Any) -> str:
    """A page has one first heading, and sections of its own: those of a text stand below them."""
    tokens[number].tag = "h3"
    return str(renderer.renderToken(tokens, number, options, env))
