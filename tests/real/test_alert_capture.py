"""Captured, the collected examples are judged as before, and little of whose they are is left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.alerts import classify, messages_of, to_json
from ratchet.alerts.redaction import redact
from ratchet.cli.capture import fixture
from ratchet.domain.incidents import Action

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = SHARED / "alerts"
RENDERED = SHARED / "data" / "alerts" / "alertmanager_slack_messages.jsonl"
CHAT = SHARED / "data" / "chat" / "clojurians-events" / "messages_final.jsonl"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the collected examples are not at {SAMPLES}"
)
needs_rendered = pytest.mark.skipif(
    not RENDERED.is_file(), reason=f"the rendered alerts are not at {RENDERED}"
)
needs_chat = pytest.mark.skipif(not CHAT.is_file(), reason=f"the recorded chat is not at {CHAT}")


def payloads() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(SAMPLES.glob("*.json")):
        for message in messages_of(json.loads(path.read_text())):
            yield path.name, message["payload"]


@needs_samples
def test_the_examples_are_judged_as_before() -> None:
    total = same = 0
    for name, payload in payloads():
        before, after = to_json(classify(payload)), fixture(payload, [])["_expected"]
        for key in ("action", "tool", "severity", "priority"):
            assert after[key] == before[key], (name, key)
        total += 1
        same += after["alert"] == before["alert"]
    assert total > 30
    assert same >= 0.8 * total


@needs_samples
def test_a_captured_file_has_the_form_of_the_examples() -> None:
    for _, payload in payloads():
        document = json.loads(json.dumps(fixture(payload, [])))
        again = [to_json(classify(one)) for one in messages_of(document)]
        assert [{key: one[key] for key in document["_expected"]} for one in again] == [document["_expected"]]


@needs_rendered
def test_rendered_alerts_are_judged_as_before() -> None:
    total = same = 0
    for line in RENDERED.read_text().splitlines()[:400]:
        message = json.loads(line)
        message.pop("gold")
        before, after = classify(message), classify(redact(message))
        assert (after.action, after.severity) == (before.action, before.severity)
        total += 1
        same += after.alert == before.alert
    assert same >= 0.95 * total


@needs_chat
def test_no_account_mail_or_address_of_real_chat_is_left() -> None:
    seen = 0
    for line in CHAT.read_text().splitlines()[:3000]:
        message = json.loads(line)
        left = json.dumps(redact(message), ensure_ascii=False)
        for account in re.findall(r"<@([UW][A-Z0-9]{6,})", str(message.get("text"))):
            seen += 1
            assert account not in left or int(account[1:], 36) < 100
        for host in re.findall(r"https?://([\w.-]+\.[a-z]{2,})", left):
            assert host.endswith((*("example.com", "example.org", "example.net"), *TOOLS)), host
        assert classify(redact(message)).action in (classify(message).action, Action.NONE)
    assert seen > 100


TOOLS = (
    *("github.com", "gitlab.com", "slack.com", "google.com", "amazonaws.com", "amazon.com"),
    *("atlassian.net", "opsg.in"),
)
