"""What must hold for any JSON, and whatever Slack does to a message on its way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.alerts import classify, flatten, judge, unwrap
from tests.unit.alerts.payloads import Variant
from tests.unit.alerts.variants import VARIANTS
from tests.unit.alerts.variants_aside import ASIDE

KEYS = st.sampled_from(
    [
        *(
            "text",
            "blocks",
            "attachments",
            "files",
            "fields",
            "title",
            "value",
            "type",
            "elements",
            "fallback",
        ),
        *("user", "bot_id", "username", "subtype", "message", "event", "payload", "ts", "thread_ts", "color"),
        *(
            "rows",
            "footer",
            "pretext",
            "title_link",
            "bot_profile",
            "name",
            "url",
            "sequence",
            "client_msg_id",
        ),
    ]
)
WORDS = st.sampled_from(
    [
        *("[FIRING:1] A (b c)", "section", "rich_text", "table", "message_changed", "bot_message", "danger"),
        *(
            "Problem: x",
            "Triggered: x",
            "<https://a.sentry.io/issues/1|x>",
            "\ud800",
            "a\x00b",
            "rich_text_list",
        ),
        *("https://app.datadoghq.com/monitors/1", "Run Errored", "Grafana v1", "event_callback", "context"),
    ]
)
TEXTS = st.text(max_size=20) | WORDS
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=30,
)
OBJECTS = st.dictionaries(KEYS | st.text(max_size=5), ANYTHING, max_size=8)
EVERY = pytest.mark.parametrize("variant", [*VARIANTS, *ASIDE], ids=lambda variant: variant.name)
THOROUGH = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(OBJECTS)
def test_any_json_object_has_a_text_that_can_be_stored(payload: dict[str, Any]) -> None:
    text = flatten(payload)
    assert "\x00" not in text
    text.encode()


@THOROUGH
@given(OBJECTS, st.booleans())
def test_any_json_object_has_an_answer_that_can_be_stored(payload: dict[str, Any], as_bot: bool) -> None:
    message = {**payload, "bot_id": "B1", "subtype": None} if as_bot else payload
    got = classify(message)
    judge(message)
    unwrap(message)
    for value in (got.alert, got.service, got.severity, got.pair_key, got.rule):
        assert "\x00" not in (value or "")
        (value or "").encode()


@THOROUGH
@given(OBJECTS)
def test_what_a_person_typed_is_never_an_incident(payload: dict[str, Any]) -> None:
    bots = {"bot_id", "bot_profile", "app_id", "subtype", "event", "payload", "message"}
    person = {key: value for key, value in payload.items() if key not in bots}
    assert classify({**person, "user": "U1", "text": "[FIRING:1] x"}).action.value == "none"


def backwards(value: Any) -> Any:
    """The same JSON with the keys of every object in reverse."""
    if isinstance(value, Mapping):
        return {key: backwards(value[key]) for key in reversed(list(value))}
    return [backwards(item) for item in value] if isinstance(value, list) else value


@EVERY
def test_the_order_of_keys_changes_nothing(variant: Variant) -> None:
    assert classify(backwards(variant.payload)) == classify(variant.payload)


NAMES = {"a30200": "danger", "daa038": "warning", "2eb886": "good"}


def as_sent(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Colours by name or with `#`, empty texts present: how a tool sends what Slack then normalises."""
    sent = {"text": "", **payload}
    if "attachments" in payload:
        sent["attachments"] = [_sent_attachment(one) for one in payload["attachments"]]
    return sent


def _sent_attachment(attachment: Mapping[str, Any]) -> dict[str, Any]:
    colour = attachment.get("color", "")
    named = NAMES.get(colour) or (f"#{colour.upper()}" if len(colour) == 6 else colour)
    return {"text": "", "footer": "", **attachment, "color": named}


@EVERY
def test_what_slack_normalises_changes_nothing(variant: Variant) -> None:
    assert classify(as_sent(variant.payload)) == classify(variant.payload)


@EVERY
def test_an_event_or_an_edit_says_what_its_message_says(variant: Variant) -> None:
    event = {"type": "event_callback", "event": variant.payload}
    edit = {"type": "message", "subtype": "message_changed", "message": variant.payload, "ts": "9.9"}
    envelope = {
        "type": "events_api",
        "envelope_id": "e",
        "payload": {"type": "event_callback", "event": edit},
    }
    assert classify(event) == classify(variant.payload)
    assert classify(envelope) == classify(edit) == classify(variant.payload)


@EVERY
def test_the_callers_own_flattened_text_changes_nothing(variant: Variant) -> None:
    assert classify(variant.payload, flatten(unwrap(variant.payload))) == classify(variant.payload)


def test_every_variant_is_json() -> None:
    for variant in (*VARIANTS, *ASIDE):
        assert json.loads(json.dumps(variant.payload)) == variant.payload
