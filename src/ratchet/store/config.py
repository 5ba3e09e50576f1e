"""Which database: embedded, or a server of the operator's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Neither `url` nor any of the single values: the embedded server in `data_dir`."""

    data_dir: Path
    url: str | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = None
    name: str | None = None
    disable_tls: bool = False

    def __repr__(self) -> str:
        return f"DatabaseConfig({'embedded in ' + str(self.data_dir) if self.embedded else 'a server'})"

    @property
    def embedded(self) -> bool:
        return not any((self.url, self.host, self.port, self.user, self.password, self.name))

    @property
    def conninfo(self) -> str:
        """For a server of the operator's; holds the password."""
        if self.url:
            return self.url
        return make_conninfo(
            "",
            host=self.host or "localhost",
            port=self.port or 5432,
            user=self.user or "postgres",
            password=self.password,
            dbname=self.name or "ratchet",
            sslmode="disable" if self.disable_tls else "prefer",
        )
