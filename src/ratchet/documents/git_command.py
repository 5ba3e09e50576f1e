"""The `git` binary, kept on a short lead: no shell, no hooks, no questions, few protocols, little time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import shlex
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ratchet.domain.errors import Refused, Transient
from ratchet.process_limits import Limits

PROTOCOLS: Final = "https:ssh:file"
# Of our environment only what reaching another machine needs: our own tokens stay here.
INHERITED: Final = ("HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
MAX_SAID: Final = 300
# A repository that is larger than these is no documentation.
LIMITS: Final = Limits(cpu_s=1_800, memory=4 * 2**30, file=8 * 2**30)
_SETTINGS: Final = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("http.followRedirects", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("transfer.fsckObjects", "false"),
    ("gc.autoDetach", "false"),
)
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_REFUSED: Final = re.compile(
    r"authentication failed|permission denied|could not read (?:username|password)|access denied"
    r"|host key verification failed|not found|does not exist|does not appear to be a git repository"
    r"|dubious ownership|transport '[^']*' not allowed|returned error: 40[134]|not our ref"
    r"|couldn't find remote",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository is and how to sign in. `token` is sent to https addresses only, as a password."""

    url: str
    token: str = field(default="", repr=False)
    username: str = "x-access-token"
    ssh_key: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def variables(self) -> dict[str, str]:
        """The whole environment of the command. Secrets are here: everybody sees its arguments."""
        # Names may be upper or lower case.
        wanted = {*INHERITED, *PROXIES, *map(str.lower, PROXIES)}
        found = {name: value for name, value in self.environment.items() if name in wanted}
        settings = [*_SETTINGS, *self._header()]
        numbered = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(settings)}
        numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(settings)}
        ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
        if self.ssh_key is not None:
            ssh += ["-i", str(self.ssh_key), "-o", "IdentitiesOnly=yes"]
        return {
            **found,
            **numbered,
            "PATH": os.defpath,
            "LC_ALL": "C",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_ALLOW_PROTOCOL": PROTOCOLS,
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_SSH_COMMAND": shlex.join(ssh),
        }

    def _header(self) -> list[tuple[str, str]]:
        if not self.token or not self.url.startswith("https://"):
            return []
        pair = base64.b64encode(f"{self.username}:{self.token}".encode()).decode()
        return [(f"http.https://{urlsplit(self.url).netloc}/.extraHeader", f"Authorization: Basic {pair}")]


@dataclass(frozen=True, slots=True)
class Git:
    """Commands in the bare repository `path`."""

    path: Path
    remote: Remote

    async def run(self, *args: str, timeout_s: float) -> bytes:
        """Its output. Raises Refused when asking again changes nothing, Transient else."""
        async with self._started(args, asyncio.subprocess.DEVNULL) as process:
            try:
                async with asyncio.timeout(timeout_s):
                    output, errors = await process.communicate()
            except TimeoutError:
                raise Transient(f"git {args[0]} took more than {timeout_s:.0f} s.") from None
        if process.returncode:
            raise _failure(args[0], errors)
        return output

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`cat-file --batch`, for one object after the other."""
        async with self._started(("cat-file", "--batch"), asyncio.subprocess.PIPE) as process:
            yield process

    @asynccontextmanager
    async def _started(self, args: Sequence[str], stdin: int) -> AsyncIterator[asyncio.subprocess.Process]:
        program = shutil.which("git", path=os.defpath) or shutil.which("git")
        if program is None:
            raise Refused("The program git is not installed: sources of type git need it.")
        process = await asyncio.create_subprocess_exec(
            program,
            f"--git-dir={self.path}",
            *args,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.remote.variables(),
            # git starts others: they end with it.
            start_new_session=True,
        )
        LIMITS.hold(process.pid)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _failure(command: str, errors: bytes) -> Refused | Transient:
    """By what git said, without passwords."""
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))] or lines
    said = _PASSWORD.sub("", "; ".join(telling[-2:]))[:MAX_SAID] or "no reason given"
    whole = f"git {command}: {said}"
    return Refused(whole) if _REFUSED.search("\n".join(lines)) else Transient(whole)
