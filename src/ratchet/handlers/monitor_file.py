"""The text of the channel monitors' file -> `Monitors`, or everything that is wrong with it. No I/O.

docs/channel-monitor.md describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from ratchet.domain.errors import Misconfigured
from ratchet.handlers.monitor_answer import CHANNEL
from ratchet.handlers.monitor_prompt import BadTemplate, Prompt, TooLong, read_prompt
from ratchet.handlers.monitor_schema import BadSchema, Schema, read_schema
from ratchet.handlers.monitor_yaml import Unreadable, read_values

MAX_MONITORS: Final = 200
MAX_ARGUMENTS: Final = 100
MAX_ARGUMENT: Final = 20_000  # characters
LONGEST_RUN_S: Final = 60.0
REQUIRED: Final = ("channel_id", "prompt", "result_schema", "executable")
OPTIONAL: Final = ("executable_args", "bots", "threads", "timeout_s")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,79}")


@dataclass(frozen=True, slots=True)
class Monitor:
    """What is done with each message of one channel.

    `command`: the executable and its arguments. `bots`: messages of other bots too. `threads`: replies too.
    """

    name: str
    channel_id: str
    prompt: Prompt
    schema: Schema
    command: tuple[str, ...]
    bots: bool = True
    threads: bool = False
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Monitors:
    by_name: dict[str, Monitor] = field(default_factory=dict)

    def of_channel(self, channel_id: str) -> list[Monitor]:
        return [monitor for monitor in self.by_name.values() if monitor.channel_id == channel_id]


NO_MONITORS: Final = Monitors()


def read_monitors(text: str, name: str = "monitors") -> Monitors:
    """Raises Misconfigured with every error, each with `name`, monitor and field."""
    monitors, problems = check_monitors(text)
    if problems:
        raise Misconfigured("\n".join(f"{name}: {problem}" for problem in problems))
    return monitors


def check_monitors(text: str) -> tuple[Monitors, list[str]]:
    """The monitors that are right, and what is wrong with the others."""
    reader = _Reader()
    try:
        return reader.monitors(read_values(text)), reader.problems
    except Unreadable as unreadable:
        return NO_MONITORS, [str(unreadable)]


@dataclass(slots=True)
class _Reader:
    """Each method reads one thing, notes what is wrong, and goes on."""

    problems: list[str] = field(default_factory=list)

    def monitors(self, top: Any) -> Monitors:
        if not isinstance(top, dict):
            self.problems.append(f"it holds {kind(top)}, not a mapping of names to monitors")
            return NO_MONITORS
        if len(top) > MAX_MONITORS:
            self.problems.append(f"{len(top)} monitors; at most {MAX_MONITORS} are read")
            return NO_MONITORS
        found = {name: self.monitor(name, about) for name, about in top.items()}
        return Monitors({name: monitor for name, monitor in found.items() if monitor is not None})

    def monitor(self, name: str, about: Any) -> Monitor | None:
        before = len(self.problems)
        if not _NAME.fullmatch(name):
            self.wrong(name, "", "a name has letters, digits, spaces and - _ . of at most 80 characters")
        if not isinstance(about, dict):
            self.wrong(name, "", f"it holds {kind(about)}, not a mapping with {', '.join(REQUIRED)}")
            return None
        self.keys(name, about)
        read: dict[str, Any] = {
            "channel_id": self.channel(name, about.get("channel_id")),
            "prompt": self.prompt(name, about.get("prompt")),
            "schema": self.schema(name, about.get("result_schema")),
            "command": (self.executable(name, about.get("executable")), *self.arguments(name, about)),
            "bots": self.flag(name, about, "bots", usually=True),
            "threads": self.flag(name, about, "threads", usually=False),
            "timeout_s": self.seconds(name, about.get("timeout_s", 30)),
        }
        return Monitor(name, **read) if len(self.problems) == before else None

    def keys(self, name: str, about: dict[str, Any]) -> None:
        for key in about:
            if key not in (*REQUIRED, *OPTIONAL):
                self.wrong(name, key, f"no such field{_near(key, (*REQUIRED, *OPTIONAL))}")

    def channel(self, name: str, found: Any) -> str:
        text = self.text(name, "channel_id", found)
        if text and not CHANNEL.fullmatch(text):
            hint = "the channel's details in Slack show its id, such as C0123ABCD; names can change"
            self.wrong(name, "channel_id", f"{text[:80]} is no channel id; {hint}")
        return text

    def prompt(self, name: str, found: Any) -> Prompt | None:
        text = self.text(name, "prompt", found)
        if not text:
            return None
        try:
            return read_prompt(text)
        except (BadTemplate, TooLong) as bad:
            self.wrong(name, "prompt", str(bad))
            return None

    def schema(self, name: str, found: Any) -> Schema | None:
        if found is None:
            self.wrong(name, "result_schema", "missing; a JSON Schema of what the model is to answer")
            return None
        try:
            return read_schema(found)
        except BadSchema as bad:
            self.wrong(name, "result_schema", str(bad))
            return None

    def executable(self, name: str, found: Any) -> str:
        text = self.text(name, "executable", found)
        if "\0" in text:
            self.wrong(name, "executable", "it holds a NUL")
        return text

    def arguments(self, name: str, about: dict[str, Any]) -> Sequence[str]:
        found = about.get("executable_args")
        if found is None:
            return ()
        if not isinstance(found, list):
            self.wrong(name, "executable_args", f"it holds {kind(found)}, not a list")
            return ()
        if len(found) > MAX_ARGUMENTS:
            self.wrong(name, "executable_args", f"{len(found)} arguments; at most {MAX_ARGUMENTS}")
            return ()
        return [self.argument(name, number, one) for number, one in enumerate(found)]

    def argument(self, name: str, number: int, found: Any) -> str:
        where = f"executable_args[{number}]"
        if isinstance(found, dict | list | bool) or found is None:
            self.wrong(name, where, f"it holds {kind(found)}, not a text; put it in quotes")
            return ""
        text = str(found)
        if "\0" in text or len(text) > MAX_ARGUMENT:
            self.wrong(name, where, f"it holds a NUL, or more than {MAX_ARGUMENT} characters")
        return text

    def flag(self, name: str, about: dict[str, Any], key: str, *, usually: bool) -> bool:
        found = about.get(key, usually)
        if not isinstance(found, bool):
            self.wrong(name, key, f"it holds {kind(found)}, neither true nor false")
        return bool(found)

    def seconds(self, name: str, found: Any) -> float:
        number = isinstance(found, int | float) and not isinstance(found, bool)
        if not number or not 0 < found <= LONGEST_RUN_S:
            self.wrong(name, "timeout_s", f"a number of seconds, at most {LONGEST_RUN_S:g}")
            return LONGEST_RUN_S
        return float(found)

    def text(self, name: str, key: str, found: Any) -> str:
        if found is None:
            self.wrong(name, key, "missing")
        elif not isinstance(found, str):
            self.wrong(name, key, f"it holds {kind(found)}, not a text")
        elif not found.strip():
            self.wrong(name, key, "it is empty")
        return found if isinstance(found, str) else ""

    def wrong(self, name: str, key: str, what: str) -> None:
        self.problems.append(": ".join(part for part in (name[:80] or '""', key[:80], what) if part))


def kind(value: object) -> str:
    """What a value is, for a person who wrote YAML."""
    kinds: dict[type, str] = {list: "a list", dict: "a mapping", str: "a text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
