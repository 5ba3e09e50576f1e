"""The sources file: which documents there are to read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from ratchet.documents.base import Source
from ratchet.documents.content import INCLUDE
from ratchet.documents.directory import Directory
from ratchet.documents.git import GitSource
from ratchet.documents.git_command import Remote
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GITHUB, LOOPBACK, GitHubAccess
from ratchet.documents.given import Given, WrongError
from ratchet.documents.web_fetch import origin
from ratchet.documents.website import Pace, Website
from ratchet.domain.errors import Misconfigured

SETTING: Final = "RATCHET_DOCUMENTATION"
MAX_FILE_CHARS: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OWNER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_REPO: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
# As ssh takes it; a drive's letter is none.
_SCP: Final = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!//)\S+")
_HOSTED: Final = re.compile(
    r"(?:https://|ssh://git@|git@)(github\.com|gitlab\.com)[:/]([A-Za-z0-9._/-]+?)(?:\.git)?/?"
)
_GITHUB_KEYS: Final = (
    "owner",
    "repo",
    "path",
    "branch",
    "include",
    "github_url",
    "token",
    "app_id",
    "installation_id",
    "private_key_path",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What sources are made with. `base`: the folder of the sources file; `data_dir`: for what they keep."""

    base: Path
    environment: Mapping[str, str]
    data_dir: Path


def load_sources(
    path: Path | None, environment: Mapping[str, str] | None = None, data_dir: Path = Path()
) -> list[Source]:
    """The sources that the file names, in its order; none without a file. A directory is a source by itself.

    `environment` is for values such as ${GITHUB_TOKEN}; `data_dir` for what a source keeps on disk. Raises
    Misconfigured, with every error at once.
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
            sources.append(_source(entry, _Place(path.parent, environment or {}, data_dir)))
        except WrongError as error:
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


def _source(entry: Any, place: _Place) -> Source:
    if not isinstance(entry, dict):
        raise WrongError("is no mapping with name and type")
    name, kind = entry.get("name"), entry.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongError("needs a name of letters, digits, dots, dashes and underscores")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise WrongError(f"needs a type, of {', '.join(_KINDS)}")
    return _KINDS[kind](name, Given(kind, entry.get(kind), place.base, place.environment), place)


def _directory(name: str, given: Given, _: _Place) -> Source:
    given.only("path", "include", "url")
    include = given.patterns("include", INCLUDE)
    return Directory(name, given.path("path"), include, given.address("url", ""))


def _github(name: str, given: Given, _: _Place) -> Source:
    given.only(*_GITHUB_KEYS)
    url = given.address("github_url", GITHUB)
    if url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK:
        raise WrongError("github.github_url begins with https://, since a token is sent there")
    owner, repo = given.text("owner"), given.text("repo").removesuffix(".git")
    if not _OWNER.fullmatch(owner) or not _REPO.fullmatch(repo) or repo in (".", ".."):
        raise WrongError("github.owner and github.repo are the two parts of OWNER/REPO")
    access = GitHubAccess(owner, repo, url, *_sign_in(given))
    include = given.patterns("include", INCLUDE)
    return GitHubSource(name, access, given.folder("path"), given.text("branch", ""), include)


def _sign_in(given: Given) -> tuple[str, str, int, str]:
    """Token, App, installation and private key: one of the two ways, or neither for a public repository."""
    app = [key for key in ("app_id", "installation_id", "private_key_path") if given.has(key)]
    if app and given.has("token"):
        raise WrongError("has a token and a GitHub App; give one of the two")
    if not app:
        return given.text("token", ""), "", 0, ""
    app_id, installation = given.text("app_id"), given.text("installation_id")
    if not installation.isascii() or not installation.isdigit():
        raise WrongError("github.installation_id is a number")
    path = given.path("private_key_path")
    try:
        key = path.read_text(encoding="ascii")[:MAX_FILE_CHARS]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no PEM file"
        raise WrongError(f"github.private_key_path: {path} cannot be read: {reason}") from None
    if "PRIVATE KEY-----" not in key:
        raise WrongError(f"github.private_key_path: {path} holds no private key in PEM")
    return "", app_id, int(installation), key


def _git(name: str, given: Given, place: _Place) -> Source:
    given.only("url", "path", "branch", "include", "token", "username", "ssh_key_path", "web_url")
    url = _repository(given.text("url"), place.base)
    if given.has("token") and not url.startswith("https://"):
        raise WrongError("git.token is for https:// addresses")
    key = given.path("ssh_key_path") if given.has("ssh_key_path") else None
    if key is not None and not key.is_file():
        raise WrongError(f"git.ssh_key_path: {key} is no file")
    username = given.text("username", "x-access-token")
    remote = Remote(url, given.text("token", ""), username, key, place.environment)
    root = place.data_dir.absolute() / "sources" / f"{name}.git"
    include, base = given.patterns("include", INCLUDE), given.address("web_url", "") or _web_of(url)
    return GitSource(name, remote, root, given.folder("path"), given.text("branch", ""), include, base)


def _website(name: str, given: Given, _: _Place) -> Source:
    given.only("url", "sitemap", "include", "exclude", "max_pages", "pause_ms", "allow_private")
    url, sitemap = given.address("url"), given.address("sitemap", "")
    if sitemap and origin(sitemap) != origin(url):
        raise WrongError("website.sitemap is of another site than website.url")
    return Website(
        name,
        url,
        sitemap,
        given.patterns("include", ()),
        given.patterns("exclude", ()),
        given.number("max_pages", 2_000, 1, 50_000),
        frozenset(host.lower() for host in given.texts("allow_private")),
        Pace(given.number("pause_ms", 200, 0, 60_000) / 1_000),
    )


def _repository(text: str, base: Path) -> str:
    """https://…, ssh://…, git@host:path or file://…; else a path, relative to the sources file."""
    if text.startswith("-"):
        raise WrongError("git.url is no address of a repository")
    if "::" in text.partition("/")[0]:
        raise WrongError("git.url begins with https://, ssh:// or file://, or is a path; helpers are not run")
    if "://" not in text and not _SCP.match(text):
        return str((base / Path(text).expanduser()).absolute())
    if _SCP.match(text):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        raise WrongError("git.url is no address of a repository") from None
    if parts.scheme not in ("https", "ssh", "file"):
        raise WrongError("git.url begins with https://, ssh:// or file://, or is a path, or git@HOST:PATH")
    if parts.password or (parts.scheme == "https" and parts.username):
        raise WrongError("git.url has a password in it; give it as git.token")
    return text


def _web_of(url: str) -> str:
    """Where people open files of the repositories that everybody knows."""
    found = _HOSTED.fullmatch(url)
    if not found:
        return ""
    host, path = found.groups()
    return f"https://{host}/{path}" + ("/-" if host == "gitlab.com" else "")


_KINDS: Final[Mapping[str, Callable[[str, Given, _Place], Source]]] = {
    "github": _github,
    "git": _git,
    "website": _website,
    "directory": _directory,
}
