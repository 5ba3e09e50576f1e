"""No secret reaches a log, whichever way it went there. In a process of its own, as the program logs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import logging, sys
import structlog
from ratchet.llm.redact import redact_event
from ratchet.telemetry import configure_logging

SECRET = "ghp_" + "a1B2c3D4e5F6" * 3
configure_logging("info", human=sys.argv[1] == "human", clean=redact_event)
log = structlog.get_logger()
log.info("delivered", handler="assistant", ts="1770110000.123456", seconds=0.12, tries=None, ok=True)
log.info(
    f"refused {SECRET}",
    url=f"https://x:{SECRET}@host/a",
    nested={"list": [SECRET, {"deep": SECRET}], "n": 3},
    password="correct horse",
    odd=ValueError(SECRET),
    channel="C0123456789",
)
def failing():
    raise ValueError(f"401 for token {SECRET}")
try:
    failing()
except ValueError:
    log.exception("request failed")
    logging.getLogger("some.library").warning("retry with %s", SECRET, exc_info=True)
    logging.getLogger("some.library").info("chatter")
log.info("x" * 2_000_001, password="hunter2")
failing()
"""


@pytest.fixture(scope="module", params=["human", "json"])
def written(request: pytest.FixtureRequest) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request.param],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    return str(request.param), done.stderr


def test_no_value_of_an_event_shows_a_secret(written: tuple[str, str]) -> None:
    _, text = written
    assert "a1B2c3D4" not in text
    assert "correct horse" not in text
    assert "hunter2" not in text
    assert "refused [redacted: github token]" in text
    assert "C0123456789" in text


def test_a_traceback_is_whole_but_for_the_secret(written: tuple[str, str]) -> None:
    how, text = written
    assert "request failed" in text
    assert "in failing" in text
    # The event, the library's line, and the end of the program.
    assert text.count("ValueError: 401 for token [redacted: github token]") == 3
    assert text.rstrip().endswith("ValueError: 401 for token [redacted: github token]")
    assert how == "human" or '"exception": "Traceback' in text


def test_libraries_that_log_by_themselves_show_none_either(written: tuple[str, str]) -> None:
    _, text = written
    assert "WARNING some.library retry with [redacted: github token]" in text
    assert "chatter" not in text


def test_what_cannot_be_checked_is_withheld(written: tuple[str, str]) -> None:
    _, text = written
    assert "log event withheld" in text
    assert "xxxx" not in text


def test_an_ordinary_event_is_one_line_as_it_was_logged(written: tuple[str, str]) -> None:
    how, text = written
    line = text.splitlines()[0]
    if how == "human":
        assert all(part in line for part in ("delivered", "handler=assistant", "ts=1770110000.123456"))
        return
    event: dict[str, Any] = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "delivered",
        "level": "info",
        "handler": "assistant",
        "ts": "1770110000.123456",
        "seconds": 0.12,
        "tries": None,
        "ok": True,
    }
