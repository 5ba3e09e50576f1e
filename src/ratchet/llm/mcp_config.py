"""Which external MCP servers there are: the operator's list, checked. Imports nothing of mcp."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ratchet.domain.errors import Misconfigured

URLS: Final = "RATCHET_COMMANDS_MCP_SERVER_URLS"
FILE: Final = "RATCHET_MCP_SERVERS"
MAX_FILE_CHARS: Final = 1_000_000
MAX_NAME: Final = 32
# What a program needs to start at all. Everything else of our environment, our tokens among it, stays here.
INHERITED: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")

Approval = Literal["always", "writes", "never"]

_NAME: Final = re.compile(rf"(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_-]{{0,{MAX_NAME - 2}}}[A-Za-z0-9])?")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# A comma inside quotes belongs to the command.
_ITEM: Final = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*'|["'])+""")
# `uvx mcp-server-time`, `npx -y @scope/server`, `python -m some_server`: the second word says what it is.
_LAUNCHERS: Final = re.compile(r"uvx?|npx|bunx|pipx|run|python[0-9.]*|node|deno|docker|env")


@dataclass(frozen=True, slots=True)
class McpServer:
    """One server: `command` (started by us, over its standard input and output) or `url` (streamable HTTP).

    environment  the whole environment of the command
    include, exclude  patterns (fnmatch) of the server's own tool names
    approval     whose calls a person must agree to: all, those not marked read-only, none
    timeout_s    wall-clock time of one call
    """

    name: str
    command: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    approval: Approval = "writes"
    timeout_s: float = 20.0
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a connection is, in seconds.

    start_s          from its beginning to the list of tools
    relist_s         between two looks at the list of tools
    first_pause_s, longest_pause_s  before it is made again; doubled after each failure
    steady_s         a connection that held so long starts over with the first pause
    """

    start_s: float = 30.0
    relist_s: float = 60.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    steady_s: float = 30.0


def load_servers(
    urls: str | None, path: Path | None, environment: Mapping[str, str]
) -> tuple[McpServer, ...]:
    """The servers of the comma-separated list, then those of the file.

    Raises Misconfigured with every error, without values: they may be secrets.
    """
    problems: list[str] = []
    servers = [*_listed(urls or "", environment, problems)]
    if path is not None:
        servers += _in_file(path, environment, problems)
    twice = [name for name, count in Counter(server.name for server in servers).items() if count > 1]
    problems += [f"{FILE}: two servers are called {name}; give each a name of its own" for name in twice]
    if problems:
        raise Misconfigured("\n".join(problems))
    return tuple(servers)


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in INHERITED if name in environment}


def _listed(urls: str, environment: Mapping[str, str], problems: list[str]) -> Iterator[McpServer]:
    taken: Counter[str] = Counter()
    for number, item in enumerate(filter(None, (part.strip() for part in _ITEM.findall(urls))), 1):
        try:
            name, target = _target(item, environment)
        except ValueError as error:
            problems.append(f"{URLS}: entry {number}: {error}")
            continue
        taken[name] += 1
        unique = name if taken[name] == 1 else f"{name[: MAX_NAME - 3]}-{taken[name]}"
        yield McpServer(unique, **target)


def _target(item: str, environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    if "://" in item.split(maxsplit=1)[0]:
        return _slug(_web_address(item)), {"url": item}
    words = shlex.split(item)
    return _slug(_program(words)), {"command": tuple(words), "environment": inherited(environment)}


def _web_address(url: str) -> str:
    """The host. Raises ValueError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", url):
        raise ValueError("is no web address; it begins with https:// or http://")
    if parts.username or parts.password:
        raise ValueError(f"has a password in its address; send it as a header, by {FILE}")
    return host


def _program(words: Sequence[str]) -> str:
    """What a command line starts, launchers left out."""
    names = [Path(word).name for word in words if not word.startswith("-") and "=" not in word]
    return next((name for name in names if not _LAUNCHERS.fullmatch(name)), names[0] if names else words[0])


def _slug(text: str) -> str:
    short = re.sub(r"^mcp[-_.](?:server[-_.])?(?=.)|\.(?:py|js|sh)$", "", text)
    return re.sub(r"[^A-Za-z0-9]+", "-", short)[:MAX_NAME].strip("-") or "server"


class _Entry(BaseModel):
    """One entry of the file, as written."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)

    name: str
    command: str = ""
    args: list[str] = []
    env: dict[str, str] | list[str] = {}
    url: str = ""
    headers: dict[str, str] = {}
    include: list[str] = ["*"]
    exclude: list[str] = []
    approval: Approval = "writes"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 20.0
    enabled: bool = True


def _in_file(path: Path, environment: Mapping[str, str], problems: list[str]) -> Iterator[McpServer]:
    try:
        entries = _entries(path)
    except Misconfigured as error:
        problems.append(str(error))
        return
    for number, raw in enumerate(entries, 1):
        label = raw.get("name") if isinstance(raw, dict) and isinstance(raw.get("name"), str) else number
        where = f"{FILE}: {path}, server {label}"
        try:
            entry = _Entry.model_validate(raw)
        except ValidationError as error:
            problems += [f"{where}: {_explained(problem)}" for problem in error.errors(include_url=False)]
            continue
        filled = _Filled(environment)
        found = [*_objections(entry), *_check(server := filled.server(entry)), *filled.missing(entry)]
        problems += [f"{where}: {problem}" for problem in found]
        if not found:
            yield server


def _entries(path: Path) -> Sequence[Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")[:MAX_FILE_CHARS])
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Misconfigured(f"{FILE}: {path} cannot be read: {reason}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Misconfigured(f"{FILE}: {path} is not YAML{where}") from None
    entries = values.get("servers") if isinstance(values, dict) else None
    if not isinstance(entries, list):
        raise Misconfigured(
            f"{FILE}: {path} has no list `servers:`, of entries such as"
            " {name: time, command: mcp-server-time}"
        )
    return entries


def _explained(problem: Any) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{location} is no setting; there are {', '.join(_Entry.model_fields)}"
    return f"{location}: {problem['msg']}" if location else "is no mapping with name and command or url"


def _objections(entry: _Entry) -> Iterator[str]:
    """What is wrong with the entry as it was written."""
    if not _NAME.fullmatch(entry.name):
        yield f"needs a name of at most {MAX_NAME} letters, digits, single - and _, between letters or digits"
    if bool(entry.command.strip()) == bool(entry.url):
        yield "needs a command or a url, and not both"
    for key in ("args", "env") if entry.url else ("headers",):
        if getattr(entry, key):
            yield f"{key} goes with a {'command' if entry.url else 'url'}"
    names = list(entry.env)
    yield from (f"env: {name!r} is no variable's name" for name in names if not re.fullmatch(r"\w+", name))


def _check(server: McpServer) -> Iterator[str]:
    """What is wrong with the values that came of it."""
    if server.url:
        try:
            _web_address(server.url)
        except ValueError as error:
            yield f"url {error}"
    for name, value in server.headers.items():
        if not _HEADER.fullmatch(name):
            yield f"headers: {name!r} is no header's name"
        elif not value.isascii() or not value.isprintable():
            yield f"headers: the value of {name} holds a line break or a character that is not ASCII"
    if any("\0" in word for word in (*server.command, *server.environment.values())):
        yield "the command or its environment holds a NUL"


class _Filled:
    """Puts values of the environment for `${NAME}`; remembers which had none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._unset: set[str] = set()
        self._unbalanced = False

    def server(self, entry: _Entry) -> McpServer:
        own = entry.env if isinstance(entry.env, dict) else {name: f"${{{name}}}" for name in entry.env}
        return McpServer(
            entry.name,
            tuple(self._text(word) for word in [*self._words(entry.command), *entry.args]),
            inherited(self._environment) | {name: self._text(value) for name, value in own.items()},
            self._text(entry.url),
            {name: self._text(value) for name, value in entry.headers.items()},
            tuple(entry.include),
            tuple(entry.exclude),
            entry.approval,
            entry.timeout_s,
            entry.enabled,
        )

    def missing(self, entry: _Entry) -> Iterator[str]:
        if self._unbalanced:
            yield "command has a quote without its end"
        if entry.enabled:
            yield from (f"${{{name}}} is not set in the environment" for name in sorted(self._unset))

    def _words(self, command: str) -> list[str]:
        try:
            return shlex.split(command)
        except ValueError:
            self._unbalanced = True
            return [command]

    def _text(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in self._environment:
                self._unset.add(match[1])
            return self._environment.get(match[1], "")

        return _VARIABLE.sub(value, text)
