"""What can be wrong in a Markdown page: each check takes a page and yields what it found, in words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import typer

import ratchet.cli  # noqa: F401  # adds the commands
from ratchet.cli.base import app
from ratchet.settings import Settings, variable
from ratchet.store.embeddings import EmbeddingStatus
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from tests.integration.web.support import House, services

ROOT: Final = Path(__file__).resolve().parents[3]
FENCE: Final = re.compile(r"(?ms)^( *(?:\d+\. |[-*] )?)```(\w*)\n(.*?)^ *```$")
SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK: Final = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"(?m)^#{1,6} +(.+)$")
NAME: Final = re.compile(r"\b(RATCHET_[A-Z][A-Z_]*[A-Z])\b(?!_?\*)")
PATH: Final = re.compile(r"(?<![\w.:])(?:localhost:5001|127\.0\.0\.1:5001)?(/[\w{}*./…-]*)")
SHELL: Final = ("sh", "bash", "")


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown file by its path from the root, and its text."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Language and content of each fenced block."""
        return [(language, content) for _, language, content in FENCE.findall(self.text)]

    @property
    def spans(self) -> list[str]:
        return SPAN.findall(self.prose)

    @property
    def lines(self) -> Iterator[str]:
        """What is typed into a shell: continued lines joined, comments gone."""
        for language, content in self.blocks:
            if language in SHELL:
                for line in content.replace("\\\n", " ").splitlines():
                    yield re.sub(r"(^| )#.*$", "", line).strip().removeprefix("$ ")


def pages() -> list[Page]:
    """Every page that people read. The changelog's old names stay as they were."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    for folder in ("docs", "bench", "deploy", "requirements", "tests"):
        found += sorted((ROOT / folder).rglob("*.md"))
    return [Page(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in found]


# Links


def dead_links(page: Page) -> Iterator[str]:
    folder = (ROOT / page.name).parent
    for target in LINK.findall(SPAN.sub("", page.prose)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (folder / name).resolve()
        if not file.exists():
            yield f"link to {target}: there is no such file"
        elif anchor and anchor not in anchors(page.text if not name else file.read_text("utf-8")):
            yield f"link to {target}: there is no such heading"


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = sum(1 for one in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one))
        found.add(f"{slug}-{number}" if number else slug)
    return found


# Commands


def wrong_commands(page: Page) -> Iterator[str]:
    for line in page.lines:
        for part in re.split(r"\s*(?:\||&&|;)\s*", line):
            if (words := _ratchet(part)) is not None and (problem := refused(words)):
                yield f"`{part}`: {problem}"
    for span in page.spans:
        if (words := _ratchet(span)) is not None and (problem := refused(words, sketch=True)):
            yield f"`{span}`: {problem}"


def _ratchet(text: str) -> list[str] | None:
    """The words after `ratchet`; None where something else is called."""
    text = re.sub(r"^(?:[A-Z_]+=\S* +)*(?:\S*/bin/)?", "", re.sub(r"\s*[<>].*$", "", text))
    text = text.removeprefix("docker run --rm ").removeprefix("python -m ")
    if not re.match(r"ratchet(?: |$)", text):
        return None
    try:
        return shlex.split(text)[1:]
    except ValueError:
        return text.split()[1:]


def refused(words: list[str], *, sketch: bool = False) -> str | None:
    """What the command line says against the words. A sketch, as in a sentence, may leave arguments out."""
    words = [re.sub(r"[\[\]…]|\|.*", "", word) for word in words]
    words = ["7" if word in ("N", "DAYS", "IDS") else word for word in words if word]
    root: Any = typer.main.get_command(app)
    try:
        command, rest = _found(root, words)
        if command is not None and rest is not None:
            command.make_context("ratchet", rest)
    except Exception as problem:  # noqa: BLE001  # typer's own click has no public name for them
        if sketch and type(problem).__name__ == "MissingParameter":
            return None
        if type(problem).__name__ == "Exit" or "does not exist" in str(problem):
            return None  # --help; or a file that the page's reader has
        return str(problem) or type(problem).__name__
    return None


def _found(group: Any, words: list[str]) -> tuple[Any, list[str] | None]:
    """The command that the words name, and its own arguments."""
    while hasattr(group, "commands"):
        if not words or words[0] in ("--help", "COMMAND"):
            return None, None
        if words[0] not in group.commands:
            raise LookupError(f"there is no command {words[0]}")
        group, words = group.commands[words[0]], words[1:]
    return group, words


def wrong_targets(page: Page) -> Iterator[str]:
    """Of make."""
    known = set(re.findall(r"(?m)^([a-z.$()/A-Z]+):", (ROOT / "Makefile").read_text("utf-8"))) | {
        ".venv/.run"
    }
    for text in (*page.lines, *page.spans):
        for line in re.split(r"\s*(?:\||&&|;)\s*", text):
            if re.match(r"make [a-z.]", line):
                for word in line.split()[1:]:
                    if "=" in word:
                        break
                    if word not in known:
                        yield f"`{line}`: the Makefile has no {word}"


# Names


OTHERS: Final = {"RATCHET_IMAGE", "RATCHET_IMAGE_REGISTRY", "RATCHET_TEST_PICTURES"}


def unknown_settings(page: Page) -> Iterator[str]:
    known = {variable(name) for name in Settings.model_fields} | OTHERS
    for name in NAME.findall(page.text):
        if name.removesuffix("_FILE") not in known and name not in known:
            yield f"{name}: there is no such setting"


def wrong_paths(page: Page, known: set[str]) -> Iterator[str]:
    """HTTP paths below /api; those without a method only have to exist."""
    lines = [line for _, content in page.blocks for line in content.splitlines()]
    for text in (*lines, *page.spans):
        for path in PATH.findall(text):
            if (
                path.startswith("/api/")
                and not path.endswith((".md", "/…", "…"))
                and not _served(path, known)
            ):
                yield f"{path}: the API has no such path"


def _served(path: str, known: set[str]) -> bool:
    parts = path.rstrip("/.").split("/")
    return (path.endswith("/") and any(shape.startswith(path) for shape in known)) or any(
        len(parts) == len(shape.split("/")) and all(map(_fits, parts, shape.split("/"))) for shape in known
    )


def _fits(part: str, shape: str) -> bool:
    return part == shape or shape.startswith("{")


def api_paths() -> set[str]:
    """Every path of the API, with every part of it there."""
    nowhere = Database("postgresql://nowhere", pool=None)  # type: ignore[arg-type]  # nothing is asked
    whole = replace(services(nowhere, House()), embedding=_never)
    return set(create_app(whole).openapi()["paths"])


async def _never() -> EmbeddingStatus:
    raise AssertionError


Check = Callable[[Page], Iterator[str]]
