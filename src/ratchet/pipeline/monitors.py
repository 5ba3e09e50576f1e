"""The channel monitors' file: read at start, and again when it has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from ratchet.domain.errors import Misconfigured
from ratchet.handlers.monitor_file import NO_MONITORS, Monitor, Monitors, read_monitors
from ratchet.pipeline.executable import PATH

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 2_000_000
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class MonitorFile:
    """Satisfies `MonitorSource`. `path` None: no monitors.

    A change is seen by the file's time, size and inode, which cost a system call. A file that is broken, or
    gone, leaves the monitors as they were, and says so once.
    """

    path: Path | None
    monitors: Monitors = NO_MONITORS
    _seen: Stamp | None = None
    _digest: str = field(default="", repr=False)

    @staticmethod
    def open(path: Path | None) -> MonitorFile:
        """Raises Misconfigured with every error of the file."""
        if path is None:
            return MonitorFile(None)
        stamp, content = _stamp(path), _content(path)
        return MonitorFile(path, _read(path, content), stamp, _digest(content))

    def current(self) -> Monitors:
        """See `MonitorSource`."""
        if self.path is None or (stamp := _stamp(self.path)) == self._seen:
            return self.monitors
        self._seen = stamp
        try:
            content = _content(self.path)
            if (digest := _digest(content)) != self._digest:
                self._digest = digest
                self.monitors = _read(self.path, content)
                log.info("channel_monitors_reloaded", monitors=sorted(self.monitors.by_name))
        except Misconfigured as wrong:
            effect = "the monitors stay as they were"
            log.warning("channel_monitors_not_reloaded", problems=str(wrong).splitlines(), effect=effect)
        return self.monitors


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Misconfigured(f"{path.name}: it has more than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, content: bytes) -> Monitors:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path.name}: it is not UTF-8 (byte {error.start})") from None
    problems: list[str] = []
    try:
        monitors = read_monitors(text, path.name)
    except Misconfigured as wrong:
        problems, monitors = str(wrong).splitlines(), NO_MONITORS
    found = {name: found_here(monitor) for name, monitor in monitors.by_name.items()}
    problems += [f"{path.name}: {problem}" for one in found.values() for problem in missing(one)]
    if problems:
        raise Misconfigured("\n".join(problems))
    return Monitors(found)


def found_here(monitor: Monitor) -> Monitor:
    """With what lies in our directory by its whole path: the executable starts in another one."""
    executable, *arguments = monitor.command
    return replace(monitor, command=(_whole(executable), *map(_whole, arguments)))


def _whole(word: str) -> str:
    relative = "/" in word and not word.startswith(("/", "-")) and len(word) < 1_000
    return str(Path(word).absolute()) if relative and Path(word).is_file() else word


def missing(monitor: Monitor) -> Iterator[str]:
    """What is wrong with the executable on this machine."""
    name = monitor.command[0]
    if shutil.which(name, path=PATH) is not None:
        return
    where = f"{monitor.name}: executable"
    if not os.path.isfile(name):  # noqa: PTH113  a name with odd characters is no error here
        yield f"{where}: {name[:200]} is not here; give its whole path, or a name in {PATH}"
    else:
        yield f"{where}: {name[:200]} may not be executed; chmod +x it"
