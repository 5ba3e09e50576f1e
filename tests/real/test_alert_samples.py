"""The collected examples of what tools post, and 1,180 real rendered alerts: the classifier's targets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.alerts import classify, judge
from ratchet.domain.incidents import IncidentAction

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES = SHARED / "alerts"
RENDERED = SHARED / "data" / "alerts" / "alertmanager_slack_messages.jsonl"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the collected examples are not at {SAMPLES}"
)
needs_rendered = pytest.mark.skipif(
    not RENDERED.is_file(), reason=f"the rendered alerts are not at {RENDERED}"
)


def expectations() -> Iterator[tuple[str, IncidentAction, dict[str, Any]]]:
    for path in sorted(SAMPLES.glob("*.json")):
        document = json.loads(path.read_text())
        expected = document["_expected"]
        wanted = expected if isinstance(expected, list) else [expected]
        for got, want in zip(judge(document), wanted, strict=True):
            yield path.name, got, want


def wrong(field: str) -> tuple[list[str], int]:
    """The files that miss their answer, and how many state one."""
    judged = [(name, getattr(got, field), want[field]) for name, got, want in expectations() if field in want]
    return [f"{name}: {got!r}, not {want!r}" for name, got, want in judged if got != want], len(judged)


@needs_samples
@pytest.mark.parametrize(("field", "allowed"), [("action", 0.0), ("alert", 0.05), ("service", 0.05)])
def test_the_examples_get_their_answer(field: str, allowed: float) -> None:
    misses, judged = wrong(field)
    assert judged > 30
    assert len(misses) <= allowed * judged, misses


@needs_samples
@pytest.mark.parametrize("field", ["priority", "count", "pair_key"])
def test_the_examples_get_what_else_they_state(field: str) -> None:
    assert wrong(field)[0] == []


@needs_samples
def test_messages_of_one_lifecycle_share_their_key() -> None:
    for path in sorted(SAMPLES.glob("*.json")):
        document = json.loads(path.read_text())
        if "sequence" in document:
            assert len({one.pair_key for one in judge(document)}) == 1, path.name


@needs_samples
def test_a_firing_file_and_its_resolved_twin_share_their_key() -> None:
    twins = [path for path in sorted(SAMPLES.glob("*-firing.json")) if _twin(path).exists()]
    assert len(twins) >= 8
    for path in twins:
        firing, resolved = (judge(json.loads(one.read_text()))[0] for one in (path, _twin(path)))
        assert firing.pair_key
        assert firing.pair_key == resolved.pair_key


def _twin(path: Path) -> Path:
    return path.with_name(path.name.replace("-firing", "-resolved"))


@needs_rendered
def test_rendered_alerts_get_action_name_and_severity() -> None:
    actions = names = severities = total = 0
    for line in RENDERED.read_text().splitlines():
        message = json.loads(line)
        gold = message.pop("gold")
        got = classify(message)
        total += 1
        actions += got.action.value == ("open_incident" if gold["status"] == "firing" else "close_incident")
        names += got.alert == gold["alertname"]
        severities += got.severity == gold["severity"]
    assert actions == total == 1180
    assert names >= 0.99 * total
    assert severities >= 0.99 * total


@needs_rendered
def test_the_service_label_is_guessed_where_there_is_one() -> None:
    right = total = 0
    for line in RENDERED.read_text().splitlines():
        message = json.loads(line)
        service = message.pop("gold")["labels"].get("service")
        if service is not None:
            total += 1
            right += classify(message).service == service
    assert total > 100
    assert right >= 0.85 * total


def received(payload: dict[str, Any]) -> dict[str, Any]:
    """A body as a tool sends it -> as Slack delivers it: escaped, linked, empty parts dropped."""
    if "event" in payload or "user" in payload or "bot_profile" in payload:
        return payload
    colours = {"danger": "a30200", "warning": "daa038", "good": "2eb886"}
    message = {"type": "message", "subtype": "bot_message", "ts": "1.1", "bot_id": "B1", **payload}
    message["text"] = linked(str(payload.get("text", "")))
    message["attachments"] = [
        {
            **{key: value for key, value in one.items() if value not in ("", [])},
            "id": at,
            "color": colours.get(one.get("color", ""), one.get("color", "").removeprefix("#").lower()),
            "text": linked(str(one.get("text", ""))),
        }
        for at, one in enumerate(payload.get("attachments", []), 1)
    ]
    return message


def linked(text: str) -> str:
    """Bare addresses in angle brackets, as Slack stores them."""
    return re.sub(r"(?<![<|])(https?://[^\s<>|]+)", r"<\1>", text.replace("&", "&amp;"))


@needs_samples
def test_the_form_that_slack_delivers_gets_the_same_answer() -> None:
    for path in sorted(SAMPLES.glob("*.json")):
        document = json.loads(path.read_text())
        for one in document.get("sequence", [document]):
            if "thread_ts" in one["payload"] and "bot_profile" not in one["payload"]:
                continue
            sent, delivered = classify(one["payload"]), classify(received(one["payload"]))
            assert (delivered.action, delivered.alert, delivered.service, delivered.severity) == (
                *(sent.action, sent.alert, sent.service, sent.severity),
            ), path.name
