"""No page has a dead link, a command that does not parse, or a name that nothing has."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.unit.pages.checks import (
    Check,
    Page,
    anchors,
    api_paths,
    dead_links,
    pages,
    unknown_settings,
    wrong_commands,
    wrong_paths,
    wrong_targets,
)

KNOWN: Final = api_paths()
CHECKS: Final[dict[str, Check]] = {
    "links": dead_links,
    "commands": wrong_commands,
    "make": wrong_targets,
    "settings": unknown_settings,
    "paths": lambda page: wrong_paths(page, KNOWN),
}


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in pages()])
@pytest.mark.parametrize("check", CHECKS)
def test_a_page_is_right(page: Page, check: str) -> None:
    assert list(CHECKS[check](page)) == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = next(page for page in pages() if page.name == "docs/README.md").text
    for page in pages():
        if re.fullmatch(r"docs/[a-z-]+\.md", page.name):
            assert f"({page.name.removeprefix('docs/')})" in index, page.name


def test_every_page_is_looked_at() -> None:
    names = {page.name for page in pages()}
    assert {"README.md", "CONTRIBUTING.md", "docs/install.md", "docs/adr/README.md"} <= names
    assert len(names) > 30


MISTAKES: Final = {
    "links": [
        "see [there](nowhere.md)",
        "see [there](install.md#no-such-heading)",
        "![a picture](missing.png)",
        "[here](#not-here)\n\n# Here and now",
    ],
    "commands": [
        "```sh\nratchet reprot ops\n```",
        "```sh\nratchet search --bogus x\n```",
        "```sh\nratchet search\n```",
        "```sh\n.venv/bin/ratchet usage --days many\n```",
        "`ratchet jobs again`",
        "`ratchet channel ops --loud`",
        "```sh\nexport A=b && ratchet import a.zip b.zip\n```",
    ],
    "make": ["`make everything`", "```sh\nmake tset\n```"],
    "settings": ["set `RATCHET_SLACK_TOKEN`", "```sh\nexport RATCHET_HTTP_PORT=1\n```"],
    "paths": [
        "`GET /api/incident`",
        "```sh\ncurl -s localhost:5001/api/servces | jq .\n```",
        "`/api/docs/now`",
    ],
}


@pytest.mark.parametrize(
    ("check", "mistake"), [(check, text) for check, texts in MISTAKES.items() for text in texts]
)
def test_a_planted_mistake_is_found(check: str, mistake: str) -> None:
    page = Page("docs/planted.md", mistake)
    assert len(list(CHECKS[check](page))) == 1
    assert not any(list(run(page)) for name, run in CHECKS.items() if name != check)


@pytest.mark.parametrize(
    "right",
    [
        "see [install](install.md#a-database-of-your-own), [above](#a-heading-of-ours), [out](https://example.com)\n# A heading, of `ours`",
        "```sh\nRATCHET_LOG_LEVEL=debug .venv/bin/ratchet run --only slack   # one role\n```",
        "`ratchet search` finds; `ratchet report CHANNEL --days N`; `ratchet docs refresh [NAME…]`",
        "`make check`, `make demo DEMO_ARGS=--verbose`; `RATCHET_HTTP_TOKEN_FILE`, `RATCHET_DATABASE_*`",
        "`GET /api/services/{service}/alerts`, `/api/channels/ops`, https://example.com/api/nothing",
        "```yaml\nratchet: nothing\n```",
    ],
)
def test_what_is_right_passes(right: str) -> None:
    page = Page("docs/planted.md", right)
    assert [found for run in CHECKS.values() for found in run(page)] == []


def test_a_block_within_a_list_is_a_block() -> None:
    page = Page("docs/planted.md", "1. First:\n2. ```sh\n   ratchet run\n   ```\n3. `ratchet config`\n")
    assert (list(page.lines), page.spans) == (["ratchet run"], ["ratchet config"])


def test_anchors_are_those_that_github_makes() -> None:
    assert anchors("# What it says, when\n## `ratchet run`\n## Again\n## Again") == {
        "what-it-says-when", "ratchet-run", "again", "again-1",
    }  # fmt: skip
