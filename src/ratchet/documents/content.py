"""What is a document at all: wanted by its path, of a bearable size, text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ratchet.documents.base import Problem
from ratchet.documents.globs import matcher

INCLUDE: Final = (
    "**/*.md",
    "**/*.markdown",
    "**/*.mdx",
    "**/*.rst",
    "**/*.txt",
    "**/*.html",
    "**/*.htm",
)
MAX_FILE_BYTES: Final = 2_000_000
SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__"})
LFS: Final = b"version https://git-lfs.github.com/spec/"


def too_large(path: str, size: int) -> Problem:
    return Problem(path, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB ({size / 1e6:.1f} MB)")


def is_link(path: str) -> Problem:
    return Problem(path, "is a link; only files are read")


def text_of(path: str, data: bytes) -> str | Problem:
    """The text of a file's content, or why it is none of a document."""
    if len(data) > MAX_FILE_BYTES:
        return too_large(path, len(data))
    if b"\0" in data:
        return Problem(path, "is binary")
    if data.startswith(LFS):
        return Problem(path, "is in Git LFS: the repository holds a pointer only")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem(path, f"is not UTF-8 (byte {error.start})")


def chooser(include: Iterable[str], below: str = "") -> Callable[[str], bool]:
    """Whether a file of a repository is wanted: below the folder, not hidden, and fits a pattern from there.

    A path with steps such as `..` never is.
    """
    fits, prefix = matcher(include), f"{below.strip('/')}/" if below.strip("/") else ""

    def wanted(path: str) -> bool:
        if not path.startswith(prefix):
            return False
        inner = path[len(prefix) :]
        steps = inner.split("/")
        plain = all(step and not step.startswith(".") for step in steps)
        return plain and SKIPPED_FOLDERS.isdisjoint(steps) and fits(inner)

    return wanted
