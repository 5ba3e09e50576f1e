"""The sources file: which documents there are to read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from ratchet.documents.base import Source
from ratchet.documents.directory import INCLUDE, Directory
from ratchet.domain.errors import Misconfigured

SETTING: Final = "RATCHET_DOCUMENTATION"
LATER: Final = ("github", "git", "website")
MAX_FILE_CHARS: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIRECTORY_KEYS: Final = frozenset({"path", "include", "url"})


class _WrongError(ValueError):
    """What is wrong with one source."""


def load_sources(path: Path | None) -> list[Source]:
    """The sources that the file names, in its order; none without a file. A directory is a source by itself.

    Raises Misconfigured, with every error at once.
    """
    if path is None:
        return []
    if path.is_dir():
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().name).strip("-._") or "documents"
        return [Directory(name, path)]
    entries = _entries(path)
    sources: list[Source] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        label = entry.get("name") if isinstance(entry, dict) else None
        try:
            sources.append(_source(entry, path.parent))
        except _WrongError as error:
            problems.append(f"{SETTING}: {path}, source {label or number}: {error}")
    twice = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
    problems += [
        f"{SETTING}: {path}: two sources are called {name}; give each a name of its own" for name in twice
    ]
    if problems:
        raise Misconfigured("\n".join(problems))
    return sources


def _entries(path: Path) -> Sequence[Any]:
    try:
        text = path.read_text(encoding="utf-8")[:MAX_FILE_CHARS]
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Misconfigured(f"{SETTING}: {path} cannot be read: {reason}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Misconfigured(f"{SETTING}: {path} is not YAML{where}") from None
    entries = values.get("sources") if isinstance(values, dict) else None
    if not isinstance(entries, list):
        raise Misconfigured(
            f"{SETTING}: {path} has no list `sources:`, of entries such as"
            " {name: handbook, type: directory, directory: {path: docs}}"
        )
    return entries


def _source(entry: Any, base: Path) -> Source:
    if not isinstance(entry, dict):
        raise _WrongError("is no mapping with name and type")
    name, kind = entry.get("name"), entry.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _WrongError("needs a name of letters, digits, dots, dashes and underscores")
    if kind in LATER:
        raise _WrongError(f"type {kind} is not supported yet; type directory is")
    if kind != "directory":
        raise _WrongError(f"needs a type, of directory, {', '.join(LATER)}")
    given = entry.get("directory")
    if not isinstance(given, dict):
        raise _WrongError("needs `directory: {path: …}`")
    return _directory(name, given, base)


def _directory(name: str, given: Mapping[Any, Any], base: Path) -> Directory:
    """A relative path is relative to the sources file."""
    if unknown := sorted(str(key) for key in given if key not in _DIRECTORY_KEYS):
        raise _WrongError(f"directory has no setting {', '.join(unknown)}; it has path, include, url")
    path, url = given.get("path"), given.get("url", "")
    if not isinstance(path, str) or not path.strip():
        raise _WrongError("needs `directory: {path: …}`")
    if not isinstance(url, str) or (url and not url.startswith(("https://", "http://"))):
        raise _WrongError("directory.url is no web address")
    return Directory(name, base / Path(path).expanduser(), tuple(_include(given.get("include"))), url)


def _include(given: Any) -> Iterator[str]:
    if given is None:
        yield from INCLUDE
        return
    for pattern in [given] if isinstance(given, str) else given if isinstance(given, list) else [None]:
        if not isinstance(pattern, str) or not pattern.strip():
            raise _WrongError("directory.include is a list of patterns such as **/*.md")
        pure = PurePosixPath(pattern)
        if pure.is_absolute() or ".." in pure.parts:
            raise _WrongError(f"directory.include: {pattern} leads out of the directory")
        yield pattern.removeprefix("./")
