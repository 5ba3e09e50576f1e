"""What a program that we start may use: a runaway one is ended by the kernel, before the machine is full."""

from __future__ import annotations

import math
import resource
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """For the process and each that it starts. Linux; elsewhere only time, output and the process group are.

    `cpu_s`: seconds of one processor. `memory`: bytes of data, which is not address space: runtimes reserve
    much of that and use little. `file`: bytes of a file that it writes. `files`: how many it may hold open.
    """

    cpu_s: float
    memory: int
    file: int
    files: int = 256

    def hold(self, pid: int) -> None:
        """From now on; what has been started within its first instants is free of them."""
        if not hasattr(resource, "prlimit"):
            return
        values = {
            resource.RLIMIT_CPU: math.ceil(self.cpu_s),
            resource.RLIMIT_DATA: self.memory,
            resource.RLIMIT_FSIZE: self.file,
            resource.RLIMIT_NOFILE: self.files,
            # A core file would hold whatever it was told.
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in values.items():
            # It may have ended, or the container's own limit may be lower.
            with suppress(ProcessLookupError, ValueError, PermissionError):
                _, hard = resource.prlimit(pid, kind)
                bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(pid, kind, (bound, bound))
