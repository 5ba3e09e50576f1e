"""A web page as Markdown: its main content, without menus, scripts and forms. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment, Tag
from markdownify import MarkdownConverter

# Deeper pages are broken ones, and the parser's recursion is bounded.
MAX_DEPTH: Final = 150
MAX_CHARS: Final = 2_000_000
MAX_TITLE_CHARS: Final = 300
DROPPED: Final = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "video", "audio", "form",
    "button", "input", "select", "textarea", "nav", "aside", "dialog", "link", "meta",
)  # fmt: skip
# Of a page, and not of an article within it.
FRAMES: Final = ("header", "footer")
MAIN: Final = ("main", '[role="main"]', "article", "#main-content", "#content", ".content")
HIDDEN: Final = (
    '[role="navigation"]',
    '[role="search"]',
    '[role="banner"]',
    '[role="contentinfo"]',
    '[aria-hidden="true"]',
    "[hidden]",
    "a.headerlink",
    "a.anchor",
    ".toc",
    ".breadcrumbs",
)
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)[^<>]*>")
_BLANKS: Final = re.compile(r"\n{3,}")
_LANGUAGE: Final = re.compile(r"(?:language|lang|highlight(?:-source)?)-([A-Za-z0-9_+#-]{1,30})")
# What sites put behind the page's own name.
_SITE: Final = re.compile(r"\s+[|·—–»]\s+|\s+-\s+")


@dataclass(frozen=True, slots=True)
class Page:
    """`title` is "" for none. `canonical`: the address that the page names as its own, "" for none.

    `hidden`: it asks not to be indexed.
    """

    title: str
    markdown: str
    canonical: str = ""
    hidden: bool = False


def page(html: str, address: str = "") -> Page:
    """Any text is a page. `address`: what relative links are relative to; "" leaves them."""
    html = html[:MAX_CHARS]
    if _depth(html) > MAX_DEPTH:
        return Page("", _words(html))
    soup = BeautifulSoup(html, "html.parser")
    title, canonical, hidden = _title(soup), _canonical(soup, address), _noindex(soup)
    main = _main(soup)
    _prune(main)
    if address:
        _absolute(main, address)
    return Page(title or _heading(main), _BLANKS.sub("\n\n", _markdown(main)).strip(), canonical, hidden)


def _depth(html: str) -> int:
    """How deep tags stand within each other, roughly: what is never closed counts too."""
    open_now = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() in _VOID or name.lower() in ("p", "li", "td", "tr", "th", "dd", "dt", "option"):
            continue
        open_now = max(0, open_now - 1) if closing else open_now + 1
        deepest = max(deepest, open_now)
    return deepest


def _words(html: str) -> str:
    return _BLANKS.sub("\n\n", _TAG.sub("\n", html)).strip()


def _text(tag: Tag | None) -> str:
    return " ".join(tag.get_text(" ").split())[:MAX_TITLE_CHARS] if tag else ""


def _title(soup: BeautifulSoup) -> str:
    """The only first heading; else the page's name without the site's."""
    headings = soup.find_all("h1")
    for mark in soup.select("a.headerlink, a.anchor"):
        mark.decompose()
    if len(headings) == 1 and (text := _text(headings[0])):
        return text
    named = soup.find("title")
    return _SITE.split(_text(named), maxsplit=1)[0] if isinstance(named, Tag) else ""


def _heading(main: Tag) -> str:
    found = main.find(["h1", "h2"])
    return _text(found) if isinstance(found, Tag) else ""


def _canonical(soup: BeautifulSoup, address: str) -> str:
    found = soup.find("link", rel="canonical")
    href = found.get("href") if isinstance(found, Tag) else None
    try:
        return urljoin(address, href.strip()) if isinstance(href, str) and href.strip() else ""
    except ValueError:
        return ""


def _noindex(soup: BeautifulSoup) -> bool:
    return any(
        "noindex" in str(found.get("content", "")).lower()
        for found in soup.find_all("meta", attrs={"name": re.compile(r"^robots$", re.IGNORECASE)})
    )


def _main(soup: BeautifulSoup) -> Tag:
    for selector in MAIN:
        found = soup.select(selector)
        if len(found) == 1 and found[0].get_text(strip=True):
            return found[0]
    body = soup.find("body")
    return body if isinstance(body, Tag) else soup


def _prune(main: Tag) -> None:
    for comment in main.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for tag in [*main.find_all(DROPPED), *main.select(", ".join(HIDDEN))]:
        tag.decompose()
    for tag in main.find_all(FRAMES):
        if tag.find(["h1", "h2"]) is None:
            tag.decompose()


def _absolute(main: Tag, address: str) -> None:
    for tag, name in (("a", "href"), ("img", "src")):
        for found in main.find_all(tag):
            value = found.get(name)
            if not isinstance(value, str):
                continue
            try:
                found[name] = urljoin(address, value.strip())
            except ValueError:
                del found[name]


def _language(tag: Any) -> str:
    """The language of a code block, from the classes that highlighters use."""
    near = [tag, *tag.find_all("code", limit=1), *([tag.parent] if tag.parent else [])]
    for found in near:
        if language := _LANGUAGE.search(" ".join(found.get("class") or [])):
            return language.group(1)
    return ""


def _markdown(main: Tag) -> str:
    converter = MarkdownConverter(
        heading_style="ATX", bullets="-", code_language_callback=_language, strip=["img"], escape_misc=False
    )
    try:
        return str(converter.convert_soup(main))
    except RecursionError:
        return main.get_text("\n")
