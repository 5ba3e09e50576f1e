"""The operator's own executable: a process that may do anything."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ratchet import alerts
from ratchet.domain.events import MessagePosted
from ratchet.domain.incidents import Action
from ratchet.domain.messages import Message
from ratchet.pipeline.classify import OwnExecutable
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.fold import to_message
from tests.acceptance.harness import eventually
from tests.integration.pipeline.house import CONTEXT, ME, House, alert_said, at, event

ANSWER = {
    "action": "open_incident",
    "service": "shop",
    "alert": "Mine",
    "priority": "HIGH",
    "duration": "1h30m",
}
SAY = f"print({json.dumps(ANSWER)!r})"


def message() -> Message:
    posted = event(alert_said(at(0)))
    assert isinstance(posted, MessagePosted)
    return to_message(posted, alerts.flatten)


def program(path: Path, body: str, timeout_s: float = 5.0) -> OwnExecutable:
    script = path / "classifier.py"
    script.write_text(f"import json, os, sys, time\n{body}\n")
    return OwnExecutable([sys.executable, str(script)], timeout_s)


def failures() -> float:
    return REGISTRY.get_sample_value("ratchet_classifier_failures_total") or 0.0


async def test_its_answer_takes_precedence_over_the_rules(tmp_path: Path) -> None:
    own = program(tmp_path, f"assert 'HighErrorRate' in json.load(sys.stdin)['text']; {SAY}")
    action = await own.classify(message())
    assert (action.action, action.service, action.alert) == (Action.OPEN, "shop", "Mine")
    assert (action.priority, action.stated_duration_s, action.tool) == ("HIGH", 5400.0, "own")


BROKEN = {
    "hangs": "time.sleep(600)",
    "hangs without reading a large request": "sys.stdout.flush(); time.sleep(600)",
    "prints garbage": "print('Segmentation fault')",
    "prints bytes that are not text": "sys.stdout.buffer.write(b'\\xff\\xfe')",
    "prints nothing": "pass",
    "answers and exits non-zero": f"{SAY}; sys.exit(3)",
    "answers what is not allowed": "print(json.dumps({'action': 'maybe'}))",
    "floods": "\nwhile True: sys.stdout.write('x' * 65536)",
    "kills itself": "os.kill(os.getpid(), 9)",
    "leaves a child that keeps the output open": (
        'if os.fork() == 0: time.sleep(600)\nprint(\'{"action": "none"}\')'
    ),
    "ignores being asked to end": "import signal; signal.signal(15, signal.SIG_IGN); time.sleep(600)",
}


@pytest.mark.parametrize("way", BROKEN)
async def test_when_it_fails_the_rules_answer_and_nothing_is_left_running(way: str, tmp_path: Path) -> None:
    mark = f"pids = open({str(tmp_path / 'pids')!r}, 'a'); pids.write(f'{{os.getpid()}}\\n'); pids.flush()\n"
    own = program(tmp_path, mark + BROKEN[way], timeout_s=3.0)
    asked = message()
    if "large" in way:
        asked = replace(asked, text="x" * 2_000_000)
    before, started = failures(), time.monotonic()
    action = await own.classify(asked)
    assert time.monotonic() - started < 20
    assert (action.action, action.alert, action.tool) == (Action.OPEN, "HighErrorRate", "alertmanager")
    assert failures() == before + 1

    async def gone() -> bool:
        return not running_from(tmp_path)

    await eventually(gone, within=10, what="no process of it is left")


def running_from(path: Path) -> list[str]:
    """Command lines of processes that run the script, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if str(path) in line and "classifier.py" in line:
            found.append(line)
    return found


@pytest.mark.parametrize("command", [["/nowhere/at/all"], ["/etc/passwd"], ["/"]])
async def test_when_it_cannot_be_started_the_rules_answer(command: list[str]) -> None:
    before = failures()
    action = await OwnExecutable(command).classify(message())
    assert (action.action, action.tool) == (Action.OPEN, "alertmanager")
    assert failures() == before + 1


async def test_it_gets_no_secrets_from_our_environment(tmp_path: Path) -> None:
    names = "{'action': 'open_incident', 'alert': ' '.join(sorted(os.environ))}"
    own = program(tmp_path, f"print(json.dumps({names}))")
    assert set(((await own.classify(message())).alert or "").split()) <= {"PATH", "LC_CTYPE"}


async def test_many_messages_at_once_are_each_answered(tmp_path: Path) -> None:
    answer = "{'action': 'close_incident', 'alert': json.load(sys.stdin)['ts']}"
    own = program(tmp_path, f"print(json.dumps({answer}))", 30.0)
    asked = [replace(message(), ts=at(n)) for n in range(8)]
    answers = await asyncio.gather(*map(own.classify, asked))
    assert [answer.alert for answer in answers] == [at(n) for n in range(8)]


async def test_history_is_classified_by_it_in_jobs_behind_the_live_ones(house: House, tmp_path: Path) -> None:
    house.classifier = program(tmp_path, SAY)
    await house.recall(alert_said(at(0)))
    assert await house.rows("select count(*) from incident_events") == [(0,)]
    (job,) = await house.take("message")
    assert not job.live
    await Dispatch(house.db, house.queue, house.classifier, [], ME.user_id).run_message(job, CONTEXT)
    assert await house.rows("select service, alert, tool from incidents") == [("shop", "Mine", "own")]
    assert await house.jobs("handler") == []
