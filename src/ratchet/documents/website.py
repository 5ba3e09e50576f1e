"""A website as a source: the pages of its sitemap, as robots.txt allows, of one origin."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from ratchet.documents import sitemap
from ratchet.documents.base import File, Known, Listing, Problem, Unchanged
from ratchet.documents.content import MAX_FILE_BYTES, text_of
from ratchet.documents.globs import matcher
from ratchet.documents.web_fetch import (
    AGENT,
    Fetched,
    Fetcher,
    Resolve,
    TooLargeError,
    open_client,
    origin,
    resolve,
)
from ratchet.domain.errors import Misconfigured, Refused, Transient

MAX_SITEMAPS: Final = 100
# An index of sitemaps names sitemaps; an index of indexes is allowed for, deeper ones go in circles.
MAX_DEPTH: Final = 3
MAX_ROBOTS: Final = 500_000
MAX_CRAWL_DELAY_S: Final = 10.0
# Pages whose sitemap does not say when they changed are asked for again after so long.
RECHECK_S: Final = 6 * 3_600.0
MARKDOWN: Final = ("text/markdown", "text/plain")
HTML: Final = ("text/html", "application/xhtml+xml", "")


@dataclass(frozen=True, slots=True)
class Pace:
    """`now`: seconds since the UTC epoch; `sleep` between two requests, for at least `pause_s`."""

    pause_s: float = 0.2
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Any] = asyncio.sleep
    resolve: Resolve = resolve


@dataclass(frozen=True, slots=True)
class Website:
    """`url`: only pages at or below it. `sitemap`: its address, "" for those of robots.txt, or /sitemap.xml.

    `allow_private`: hosts that may have addresses of this machine or of a private network.
    """

    name: str
    address: str
    sitemap: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pages: int = 2_000
    allow_private: frozenset[str] = frozenset()
    pace: Pace = field(default=Pace(), compare=False, repr=False)
    kind: str = "website"
    base: str = ""

    @property
    def fingerprint(self) -> str:
        return "\0".join((self.address, self.sitemap, *self.include, "", *self.exclude, str(self.max_pages)))

    def session(self, known: Known) -> AbstractAsyncContextManager[WebsiteSession]:
        return self._session(known)

    @asynccontextmanager
    async def _session(self, known: Known) -> AsyncIterator[WebsiteSession]:
        home = origin(self.address)
        if home is None:
            raise Misconfigured(f"{self.address} is no web address.")
        async with open_client() as client:
            pace = self.pace
            fetcher = Fetcher(client, home, self.allow_private, pace.pause_s, pace.resolve, pace.sleep)
            yield WebsiteSession(self, fetcher, known)


class WebsiteSession:
    parallel = 1

    def __init__(self, source: Website, fetcher: Fetcher, known: Known) -> None:
        self._source = source
        self._fetcher = fetcher
        self._known = known
        # By path: {url, etag, modified, listed, blob, checked}.
        pages = known.memory.get("pages")
        self._before: dict[str, dict[str, Any]] = pages if isinstance(pages, dict) else {}
        self._pages: dict[str, dict[str, Any]] = {}
        self._robots: Any = None

    @property
    def memory(self) -> Mapping[str, Any]:
        """Of a page that was not read, what was known before."""
        found = {
            path: page if page.get("blob") else self._before.get(path) for path, page in self._pages.items()
        }
        return {"pages": {path: page for path, page in found.items() if page}}

    def url(self, path: str) -> str:
        return str(self._pages.get(path, {}).get("url", ""))

    async def list(self) -> Listing:
        await self._read_robots()
        entries = await self._entries()
        if not entries:
            raise Refused(f"The sitemap of {self._source.address} names no page at or below it.")
        files, problems = dict[str, str](), list[Problem]()
        for entry in entries.values():
            path = path_of(entry.address)
            if not self._may(entry.address):
                problems.append(Problem(path, "is not for programs, says robots.txt"))
            elif len(files) >= self._source.max_pages:
                problems.append(
                    Problem(path, f"is beyond the {self._source.max_pages:,} pages of `max_pages`")
                )
            else:
                files[path] = self._blob(path, entry)
        whole = hashlib.sha256(
            "\0".join(sorted(f"{e.address} {e.modified}" for e in entries.values())).encode()
        )
        return Listing(whole.hexdigest(), files, tuple(problems))

    async def read(self, path: str) -> File | Problem | Unchanged:
        page = self._pages[path]
        before = self._before.get(path, {}) if self._stored(path) else {}
        known = {name: str(before.get(name, "")) for name in ("etag", "modified")}
        try:
            found = await self._fetcher.get(str(page["url"]), MAX_FILE_BYTES, known)
        except TooLargeError as error:
            return Problem(path, str(error))
        except Transient as error:
            if error.retry_after is not None:
                raise
            return Problem(path, str(error), lasting=False)
        except Refused as error:
            return Problem(path, str(error))
        if found.status == 304 and before:
            page |= {**known, "blob": before["blob"], "checked": self._source.pace.now()}
            return Unchanged(path)
        if found.status != 200:
            return Problem(path, f"answered {found.status}")
        return await asyncio.to_thread(self._made, path, found)

    def _made(self, path: str, found: Fetched) -> File | Problem:
        text = self._text(path, found)
        if isinstance(text, Problem):
            return text
        blob = hashlib.sha256(text.encode()).hexdigest()
        checked = self._source.pace.now()
        self._pages[path] |= {
            "etag": found.etag,
            "modified": found.modified,
            "blob": blob,
            "checked": checked,
        }
        return File(path, blob, text, markdown=True)

    def _text(self, path: str, found: Fetched) -> str | Problem:
        """The page as Markdown, or why it is left out."""
        if "noindex" in found.robots:
            return Problem(path, "asks not to be indexed")
        if found.kind in MARKDOWN:
            return text_of(path, found.content)
        if found.kind not in HTML:
            return Problem(path, f"is no page but {found.kind}")
        return self._converted(path, found)

    def _converted(self, path: str, found: Fetched) -> str | Problem:
        from ratchet.documents import webpage  # noqa: PLC0415  # its libraries are large

        page = webpage.page(_decoded(found), found.url)
        if page.hidden:
            return Problem(path, "asks not to be indexed")
        # The address in the end may be another page of the list, or the page may say so itself.
        for other in (found.url, page.canonical):
            same = path_of(other) if other and origin(other) == self._fetcher.home else path
            if same != path and same in self._pages:
                return Problem(path, f"is the same page as {same}")
        if not page.markdown.strip():
            return Problem(path, "has no text")
        titled = page.markdown.lstrip().startswith("# ")
        return page.markdown if titled or not page.title else f"# {page.title}\n\n{page.markdown}"

    async def _read_robots(self) -> None:
        """Without one everything is allowed; while it cannot be read nothing is."""
        from protego import Protego  # noqa: PLC0415  # only where there is a website

        found = await self._fetcher.get(f"{self._fetcher.home.shown}/robots.txt", MAX_ROBOTS)
        text = found.content.decode("utf-8", "replace") if found.status == 200 else ""
        self._robots = Protego.parse(text)
        delay = self._robots.crawl_delay(AGENT)
        if delay:
            self._fetcher.pause_s = max(self._fetcher.pause_s, min(float(delay), MAX_CRAWL_DELAY_S))

    def _may(self, url: str) -> bool:
        return bool(self._robots.can_fetch(url, AGENT))

    async def _entries(self) -> dict[str, sitemap.Entry]:
        """The pages of all sitemaps by path, the first of the same path."""
        home = self._fetcher.home
        named = [str(url) for url in self._robots.sitemaps if origin(str(url)) == home]
        start = [self._source.sitemap] if self._source.sitemap else named or [f"{home.shown}/sitemap.xml"]
        waiting = [(url, 1) for url in start]
        seen, found = set[str](), dict[str, sitemap.Entry]()
        while waiting:
            url, depth = waiting.pop(0)
            if url in seen or origin(url) != home:
                continue
            seen.add(url)
            if len(seen) > MAX_SITEMAPS:
                raise Refused(
                    f"{self._source.address} has more than {MAX_SITEMAPS} sitemaps; name one as `sitemap`."
                )
            read = await self._sitemap(url)
            for entry in read.pages:
                clean = sitemap.Entry(urldefrag(entry.address).url, entry.modified)
                if self._wanted(clean.address):
                    found.setdefault(path_of(clean.address), clean)
            if depth < MAX_DEPTH:
                waiting += [(entry.address, depth + 1) for entry in read.sitemaps]
        return found

    async def _sitemap(self, url: str) -> sitemap.Sitemap:
        found = await self._fetcher.get(urljoin(self._source.address, url), sitemap.MAX_UNPACKED)
        if found.status != 200:
            raise Refused(
                f"{url} answered {found.status}: {self._source.name} has no sitemap there."
                " Name it as `sitemap`."
            )
        try:
            return await asyncio.to_thread(lambda: sitemap.parse(sitemap.unpacked(found.content)))
        except ValueError as error:
            raise Refused(f"{url} cannot be read as a sitemap: {error}.") from None

    def _wanted(self, url: str) -> bool:
        if origin(url) != self._fetcher.home:
            return False
        base = urlsplit(self._source.address).path.rstrip("/")
        path = urlsplit(url).path
        if path != base and not path.startswith(f"{base}/"):
            return False
        inner = path[len(base) :].strip("/")
        chosen = not self._source.include or matcher(self._source.include)(inner)
        return chosen and not matcher(self._source.exclude)(inner)

    def _stored(self, path: str) -> bool:
        blob = self._before.get(path, {}).get("blob")
        return bool(blob) and self._known.files.get(path) == blob

    def _blob(self, path: str, entry: sitemap.Entry) -> str:
        """The known one, where it need not be asked for; else ""."""
        self._pages[path] = {"url": entry.address, "listed": entry.modified}
        before = self._before.get(path, {})
        if self._known.asked or not self._stored(path):
            return ""
        same = bool(entry.modified) and before.get("listed") == entry.modified
        age = self._source.pace.now() - float(before.get("checked", 0))
        if same or (not entry.modified and age < RECHECK_S):
            self._pages[path] = {**before, "url": entry.address, "listed": entry.modified}
            return str(before["blob"])
        return ""


def path_of(url: str) -> str:
    """An address as a document's path: `/guide/disk.html?v=2` → `guide/disk.html?v=2`; `/` → `index`."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/") or "index"
    return f"{path}?{parts.query}" if parts.query else path


def _decoded(found: Fetched) -> str:
    try:
        return found.content.decode(found.charset or "utf-8", "replace")
    except LookupError:
        return found.content.decode("utf-8", "replace")
