"""What becomes of each format: title, headings, words; and that any input becomes something."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.documents import mdx, rst, sitemap, webpage
from ratchet.documents.base import File
from ratchet.documents.content import chooser
from ratchet.documents.markdown import split_front_matter
from ratchet.documents.parse import document
from ratchet.domain.documents import Document

RST = """
Disk full
=========

:alert: DiskFull
:service: storage

Grow the *volume*, see :ref:`the other page <other>`.

.. include:: /etc/passwd

.. raw:: html

   <script>alert(1)</script>

.. versionadded:: 2.0

Find it
-------

.. tabs::

   Words inside of a directive that only Sphinx knows.

.. code-block:: sh

   df -h

* one
* two

Deep
~~~~
The end.
"""
HTML = """<!doctype html><html><head><title>Disk full | Acme</title>
<link rel="canonical" href="/docs/disk"></head><body><header>Acme</header><nav><a href="/">Home menu</a></nav>
<main><h1>Disk full <a class="headerlink" href="#d">¶</a></h1><p>Grow <a href="../volume">the volume</a>.</p>
<h2>Find it</h2><pre><code class="language-sh">df -h
du -sh</code></pre><table><tr><th>Size</th><th>Who</th></tr><tr><td>1</td><td>us</td></tr></table>
<script>alert(1)</script><form><input value="x">Search</form></main><footer>Imprint</footer></body></html>"""
MDX = """import Tabs from '@theme/Tabs'
export const values = {
  a: 1,
}

# Disk full

<Tabs items={["a", "b"]}>
  <Tab.Item>Grow it {/* not yet */} <b>now</b>.</Tab.Item>
</Tabs>

```js
import x from 'y'
<Tab>
```
"""


def made(path: str, text: str) -> Document:
    return document(File(path, "1", text))


def words(found: Document) -> str:
    return "\n".join(f"{chunk.heading}\n{chunk.text}" for chunk in found.chunks)


def test_restructured_text_is_cut_at_its_headings_and_includes_nothing() -> None:
    found = made("disk.rst", RST)
    assert (found.title, found.headings) == ("Disk full", ("Disk full", "Find it", "Deep"))
    assert (found.alerts, found.services) == (("DiskFull",), ("storage",))
    text = words(found)
    assert "see the other page." in text
    assert "Words inside of a directive" in text
    assert "df -h" in text
    assert "root:" not in text
    assert "<script>" not in text
    assert found.text == RST


def test_a_page_is_its_main_content_as_markdown() -> None:
    found = webpage.page(HTML, "https://acme.example/docs/a/b")
    assert (found.title, found.canonical) == ("Disk full", "https://acme.example/docs/disk")
    assert "[the volume](https://acme.example/docs/volume)" in found.markdown
    assert "```sh\ndf -h\ndu -sh\n```" in found.markdown
    assert "| 1 | us |" in found.markdown
    for never in ("menu", "Imprint", "alert(1)", "Search", "¶"):
        assert never not in found.markdown


def test_a_file_of_html_is_cut_at_its_headings() -> None:
    found = made("disk.html", HTML)
    assert (found.title, found.headings) == ("Disk full", ("Disk full", "Find it"))
    assert found.text == HTML


def test_a_page_that_is_nested_without_end_keeps_its_words() -> None:
    found = webpage.page("<div>" * 20_000 + "words" + "</div>" * 20_000)
    assert found.markdown == "words"


def test_the_site_s_name_is_no_part_of_a_title() -> None:
    assert webpage.page("<title>Disk full – Acme Docs</title><p>x</p>").title == "Disk full"
    assert webpage.page("<title>Follow-up</title><p>x</p>").title == "Follow-up"
    assert webpage.page('<meta name="ROBOTS" content="noindex,follow"><p>x</p>').hidden


def test_mdx_loses_imports_exports_and_tags_of_components_but_no_code() -> None:
    found = made("disk.mdx", MDX)
    text = words(found)
    assert found.title == "Disk full"
    assert "Grow it  <b>now</b>." in text
    assert "import x from 'y'\n<Tab>" in text
    for never in ("@theme", "values", "items", "not yet"):
        assert never not in text
    assert found.text == MDX


def test_a_broken_file_of_any_format_is_at_least_plain_text() -> None:
    assert made("a.rst", "x" * 500_000).chunks
    assert made("a.rst", "Title\n==\n\n.. table::\n\n   =\n").chunks
    assert made("a.html", "no tags at all").chunks[0].text == "no tags at all"


TEXTS = st.text(max_size=300)
MARKS = st.lists(
    st.sampled_from(
        ["<", ">", "</", "<div>", "</p>", "<A b={", "}", "{/*", "*/}", "```", "\n", "---\n", "a: 1", "..", ":: ",
         "===", "::", "`x`_", "|", "*", "import ", "export {", "&#0;", "<!--", "<table><tr>", "\x00", "\ud800", " "]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["a.md", "a.mdx", "a.rst", "a.html", "a.txt"]), TEXTS | MARKS)
def test_any_text_of_any_format_is_a_document(path: str, text: str) -> None:
    found = made(path, text)
    assert found.title
    assert found.text == text


@given(TEXTS | MARKS)
def test_front_matter_takes_nothing_but_itself(text: str) -> None:
    front, body = split_front_matter(text)
    assert text.removeprefix("\ufeff").endswith(body) or not front


@given(TEXTS | MARKS)
def test_mdx_keeps_every_line_of_code(text: str) -> None:
    kept = mdx.plain(f"# A\n\n```\n{text.replace('`', '').replace(chr(10), ' ')}\n```\n")
    assert text.replace("`", "").replace("\n", " ") in kept


@given(st.lists(st.sampled_from(["a", "..", ".", "", ".git", "b.md", "node_modules", "docs"]), max_size=6))
def test_no_path_leads_out_of_a_repository_or_into_hidden_folders(steps: list[str]) -> None:
    path = "/".join(steps)
    if chooser(["**"])(path):
        assert not {"..", ".", "", ".git", "node_modules"} & set(path.split("/"))
    if chooser(["**/*.md"], "docs")(path):
        assert path.startswith("docs/")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><urlset>&a;</urlset>", "entities"),
        (b"<urlset><url>", "no XML"),
        (b"just words", "no sitemap"),
        (b"\x1f\x8bbroken", "no gzip"),
    ],
    ids=["entities", "broken", "words", "gzip"],
)
def test_what_is_no_sitemap_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sitemap.parse(sitemap.unpacked(data))


def test_a_sitemap_s_images_are_no_pages() -> None:
    data = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
     xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><loc> https://a.example/x </loc>
     <lastmod>2026-01-01</lastmod><i:image><i:loc>https://a.example/x.png</i:loc></i:image></url></urlset>"""
    assert sitemap.parse(data).pages == (sitemap.Entry("https://a.example/x", "2026-01-01"),)


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_sitemap_or_an_error(data: bytes) -> None:
    found = sitemap.Sitemap()
    with suppress(ValueError):
        found = sitemap.parse(sitemap.unpacked(data))
    assert len(found.pages) <= len(data)


def test_restructured_text_too_long_for_docutils_is_left_to_paragraphs() -> None:
    assert rst.parse("x\n" * rst.MAX_CHARS) is None
