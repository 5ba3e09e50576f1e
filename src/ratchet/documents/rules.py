"""Which files may be written by a proposal: texts for people, below the source. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

SUFFIXES: Final = frozenset({".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc"})
MAX_PATH_CHARS: Final = 200
MAX_DEPTH: Final = 12
MAX_FILE_CHARS: Final = 200_000
MAX_FILES: Final = 10
# Texts that programs obey: they build, install, crawl, or instruct a coding assistant.
OBEYED: Final = re.compile(
    r"(?:requirements|constraints).*\.txt|cmakelists\.txt|robots\.txt|(?:llms(?:-full)?)\.txt"
    r"|(?:agents|claude|gemini|copilot-instructions|skill)\.md",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]+")


def path_problem(path: str) -> str | None:
    """Why the file may not be written, None when it may."""
    parts = path.split("/")
    if not path or len(path) > MAX_PATH_CHARS or len(parts) > MAX_DEPTH:
        return f"its path has no, or more than {MAX_PATH_CHARS} characters or {MAX_DEPTH} folders"
    if any(part in ("", ".", "..") for part in parts) or not all(map(_PART.fullmatch, parts)):
        return "its path must be relative, with `/` between names and no `..`"
    if any(part.startswith(".") or part != part.strip() or part.endswith(".") for part in parts):
        return "hidden files and folders are not written, workflows among them"
    if PurePosixPath(path).suffix.lower() not in SUFFIXES:
        return f"only texts are written: {', '.join(sorted(SUFFIXES))}"
    if OBEYED.fullmatch(parts[-1]):
        return "programs obey a file of that name"
    return None


def text_problem(text: str) -> str | None:
    """Why this may not be a file's text, None when it may."""
    if len(text) > MAX_FILE_CHARS:
        return f"it would have more than {MAX_FILE_CHARS:,} characters"
    if not text.strip():
        return "it would be empty"
    if "\0" in text:
        return "it would not be text"
    return None
