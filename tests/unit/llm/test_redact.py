"""Secrets go, look-alikes stay, and nothing leaves unchecked."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.llm.redact import MAX_CHARS, RedactionFailed, redact, redact_values

SECRETS = [
    ("xoxb-123456789012-abcdefABCDEF", "slack token"),
    ("xapp-1-A0123456789-1234567890-abcdef", "slack token"),
    ("xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4", "slack token"),
    ("https://hooks.slack.com/services/T000/B000/XXXXXXXX", "slack webhook"),
    ("AKIAIOSFODNN7EXAMPLE", "aws key"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github token"),
    ("glpat-abcdefghij0123456789", "gitlab token"),
    ("AIzaSyA-abcdefghijklmnopqrstuvwxyz012345", "google key"),
    ("sk-proj-abcdefghijklmnopqrstuvwx", "api key"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "jwt"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----", "private key"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "private key"),
]


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
def test_a_secret_is_replaced_and_its_kind_named(secret: str, kind: str) -> None:
    redacted = redact(f"use {secret} please")
    assert secret not in redacted
    assert f"[redacted: {kind}]" in redacted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://app:s3cret@db:5432/x", "postgres://app:[redacted: password in url]@db:5432/x"),
        ("Authorization: Bearer abc123def456ghi", "Authorization: Bearer [redacted: bearer token]"),
        ("DB_PASSWORD=hunter2!", "DB_PASSWORD=[redacted: password]"),
        ('"api_key": "q1w2e3r4"', '"api_key": "[redacted: password]"'),
        ("aws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
         "aws_secret_access_key = [redacted: aws secret]"),
    ],
)  # fmt: skip
def test_what_surrounds_a_secret_stays(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong again",
        "password: incorrect",
        "token expired, see https://wiki.example/tokens",
        "basic authentication failed",
        "git checkout 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "task-1234 and disk-full-checkout-api-production",
        "http://prometheus:9090/graph?g0.expr=up",
        "user@example.com wrote to https://example.com/a@b",
        "eyJ is how a JWT begins",
        "arn:aws:iam::123456789012:role/checkout",
        "https://team.slack.com/archives/C0OPS/p1700000060000200?thread_ts=1700000000.000100&cid=C0OPS",
    ],
)
def test_a_look_alike_stays(text: str) -> None:
    assert redact(text) == text


@settings(deadline=None)
@given(st.text(), st.sampled_from([secret for secret, _ in SECRETS]))
def test_redaction_holds_in_any_surroundings_and_is_stable(text: str, secret: str) -> None:
    once = redact(f"{text}\n{secret}\n{text}")
    assert secret not in once
    assert redact(once) == once


def test_every_string_of_a_value_is_redacted() -> None:
    value = {"a": ["AKIAIOSFODNN7EXAMPLE", 1, None], "xoxb-12345678-a": {"b": True}}
    assert redact_values(value, redact) == {
        "a": ["[redacted: aws key]", 1, None],
        "[redacted: slack token]": {"b": True},
    }


@pytest.mark.parametrize(
    "text", [b"bytes", None, 3, "x" * (MAX_CHARS + 1)], ids=["bytes", "none", "int", "long"]
)
def test_what_cannot_be_checked_does_not_pass(text: object) -> None:
    with pytest.raises(RedactionFailed):
        redact(cast(Any, text))


@pytest.mark.parametrize(
    "piece", ["-eyJaaaaaaaa", "http://a:", "password=", "bearer ", "-----BEGIN PRIVATE KEY-----"]
)
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    redact((piece * 40_000)[:40_000])
    assert time.process_time() - started < 2.0
