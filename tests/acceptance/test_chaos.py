"""Killed processes, a killed and a lost database, a Slack that refuses and hangs up: an exact audit at the end."""

from __future__ import annotations

from pathlib import Path

from bench.chaos import SHORT, chaos


async def test_whatever_dies_nothing_is_lost_and_nothing_said_twice(tmp_path: Path) -> None:
    ran = await chaos(tmp_path, SHORT)
    assert ran.audit.wrong == [], "\n".join(ran.audit.wrong)
    # That it was a hard time, so that this can fail.
    assert ran.troubles["processes killed"] >= 6
    assert ran.troubles["PostgreSQL killed"] >= 2
    assert ran.troubles["sockets closed"] + ran.troubles["sockets cut"] + ran.troubles["times deaf"] >= 2
    assert sum(ran.slack.values()) >= 20
    assert all(line.sent for line in ran.audit.lines), ran.audit.lines
