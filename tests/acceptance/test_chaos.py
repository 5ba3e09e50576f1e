"""Killed processes, a killed and a lost database, a Slack that refuses and hangs up: an exact audit at the end."""

from __future__ import annotations

from pathlib import Path

from bench.chaos import SHORT, chaos


async def test_whatever_dies_nothing_is_lost_and_nothing_said_twice(tmp_path: Path) -> None:
    ran = await chaos(tmp_path, SHORT)
    assert ran.audit.wrong == [], "\n".join(ran.audit.wrong)
    # That it was a hard time, so that this can fail.
    assert ran.troubles["processes killed"] >= 4
    assert ran.troubles["PostgreSQL killed"] >= 2
    assert sum(count for what, count in ran.troubles.items() if "sockets" in what) >= 3
    assert sum(ran.slack.values()) >= 10
    assert ran.acked >= 100, "while all of it went on, events were recorded"
    assert all(line.sent for line in ran.audit.lines), ran.audit.lines
