"""What pgqueuer logs by itself, without what we log already."""

from __future__ import annotations

import logging

import psycopg


class Buried(Exception):
    """Tells pgqueuer that a job is dead. Logged and recorded by us."""


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Drops what we report ourselves; a lost connection is not worth a traceback."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, Buried):
            return False
        if isinstance(error, psycopg.Error | OSError | TimeoutError):
            record.exc_info = None
        return True


def pgqueuer() -> None:
    """May be called any number of times."""
    logger = logging.getLogger("pgqueuer")
    if not any(isinstance(each, _Quiet) for each in logger.filters):
        logger.addFilter(_Quiet())
