"""Secrets go, look-alikes stay, and nothing leaves unchecked."""

from __future__ import annotations

import re
from typing import Any, Final, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.llm.redact import MAX_CHARS, RedactionFailed, kinds, redact, redact_event, redact_values
from tests.unit.llm.redaction_corpus import items, leaks

# Put together here, so that scanners of the repository find none. AWS_KEY is the one of AWS's documentation.
AWS_KEY: Final = "AKIA" + "IOSFODNN7EXAMPLE"
SECRETS = [
    ("xox" + "b-123456789012-abcdefABCDEF", "slack token"),
    ("xap" + "p-1-A0123456789-1234567890-abcdef", "slack token"),
    ("xoxe.xox" + "p-1-Mi0yLTEyMzQ1Njc4", "slack token"),
    ("https://hooks.slack" + ".com/services/T000/B000/abcdefXYZ", "slack webhook"),
    (AWS_KEY, "aws key"),
    ("gh" + "p_abcdefghijklmnopqrstuvwxyz0123456789", "github token"),
    ("glp" + "at-abcdefghij0123456789", "gitlab token"),
    ("AIz" + "aSyA-abcdefghijklmnopqrstuvwxyz012345", "google key"),
    ("sk-" + "proj-abcdefghijklmnopqrstuvwx", "api key"),
    ("eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "jwt"),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----",
        "private key",
    ),
]


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
def test_a_secret_is_replaced_and_its_kind_named(secret: str, kind: str) -> None:
    assert redact(f"use {secret} please") == f"use [redacted: {kind}] please"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://app:s3cret@db:5432/x", "postgres://app:[redacted: password in url]@db:5432/x"),
        ("Authorization: Bearer abc123def456ghi", "Authorization: Bearer [redacted: credentials]"),
        ("DB_PASSWORD=hunter2!", "DB_PASSWORD=[redacted: password]"),
        ('"api_key": "q1w2e3r4"', '"api_key": "[redacted: key]"'),
        (
            "aws_secret_access_key = " + "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = [redacted: key]",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\ncut off", "[redacted: private key]\ncut off"),
        ("mysql -uroot -pS3cret -e 'select 1'", "mysql -uroot -p[redacted: password] -e 'select 1'"),
    ],
)
def test_what_surrounds_a_secret_stays(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize("item", list(items("worked")), ids=lambda item: item.text[:60])
def test_worked_examples(item: Any) -> None:
    assert re.sub(r"\[redacted: [a-z0-9 ]+\]", "[redacted]", redact(item.text)) == item.expected


def test_a_key_without_an_end_takes_no_sentence_with_it() -> None:
    lines = "A" * 30 + "\n" + "b" * 64
    assert redact(f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\nand then it broke, see the ticket") == (
        "[redacted: private key]\nand then it broke, see the ticket"
    )
    about = "it has to start with -----BEGIN PRIVATE KEY----- and end with -----END PRIVATE KEY-----, I think"
    assert redact(about) == about


def test_only_a_real_placeholder_is_left_alone() -> None:
    assert redact("token=[redacted: password]") == "token=[redacted: password]"
    assert redact(f"[redacted: {AWS_KEY}]") == "[redacted: [redacted: aws key]]"
    assert redact("password=[redacted: hunter2]") == "password=[redacted: hunter2]"  # a kind nobody gave


def test_every_kind_can_be_read_back() -> None:
    for kind in kinds():
        text = f"one [redacted: {kind}] two"
        assert redact(text) == text


# Known by their own shape, wherever they stand.
SHAPES: Final = sorted(
    {
        secret
        for item in items("positives")
        for secret in item.secrets
        if len(secret) >= 20 and not leaks(secret, redact(f"\n{secret}\n"))
    }
)
HOSTILE: Final = [
    *("password=", "password: ", "the password is ", "token: ", "Bearer ", "Authorization: Basic ", "http://a:", "://"),
    *("mysql -p", "curl -u a:", "vault put a=", "echo ", "--token ", "key ", "secret\n", "kind: Secret\ndata:\n  a: "),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----\n", "eyJ", "eyJhbGciOiJub25lIn0.", "AKIA", "xoxb-"),
    *("[redacted: ", "[redacted: password]", "]", "\\n", "\\", '"', "'", "`", "<", ">", "|", "&", "=", ":", "@", "/"),
    *("\ud800", "\U0010f000", "\U0010f001", "İ", "ſecret=", "パスワード：", "Aa1Bb2Cc3Dd4Ee5Ff6", "0123456789abcdef" * 2),
    *("name: PASSWORD\nvalue: ", "'password', '", "creds: a:", " as password", "PIN 123456", "unseal key: ", "?sig="),
]  # fmt: skip
texts = st.lists(st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE)), max_size=8).map("".join)
edges = st.sampled_from(
    [" ", "\n", "\t", '"', "'", "`", "(", ")", "<", ">", "|", "、", "：", "鍵", "\\n", "%20", ", "]
)


def test_most_secrets_are_known_by_their_own_shape() -> None:
    assert len(SHAPES) > 180


@settings(deadline=None, max_examples=300)
@given(texts, edges, st.sampled_from(SHAPES), edges, texts)
def test_such_a_secret_stays_out_whatever_surrounds_it(
    before: str, left: str, secret: str, right: str, after: str
) -> None:
    assert not leaks(secret, redact(before + left + secret + right + after), before + after)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(texts, st.sampled_from(SHAPES)), max_size=6).map("".join))
def test_to_redact_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_every_string_of_a_value_is_redacted() -> None:
    value = {"a": [AWS_KEY, 1, None], "xox" + "b-12345678-abc": {"b": True}}
    assert redact_values(value, redact) == {
        "a": ["[redacted: aws key]", 1, None],
        "[redacted: slack token]": {"b": True},
    }


def test_what_stands_under_the_name_of_a_secret_goes() -> None:
    value = {
        "user": "app",
        "password": "hunter2",
        "env": {"API_TOKEN": "Zx81kQpp02LmvN7R", "TOKEN_TTL": "30m"},
    }
    assert redact_values(value, redact) == {
        "user": "app",
        "password": "[redacted: password]",
        "env": {"API_TOKEN": "[redacted: token]", "TOKEN_TTL": "30m"},
    }


@pytest.mark.parametrize(
    "text", [b"bytes", None, 3, "x" * (MAX_CHARS + 1)], ids=["bytes", "none", "int", "long"]
)
def test_what_cannot_be_checked_does_not_pass(text: object) -> None:
    with pytest.raises(RedactionFailed):
        redact(cast(Any, text))


def test_an_error_within_the_check_is_a_refusal_that_does_not_quote_the_text() -> None:
    class Odd(str):
        def isascii(self) -> bool:
            raise ValueError("hunter2")

    with pytest.raises(RedactionFailed) as caught:
        redact(Odd("hunter2"))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_value_nested_without_end_does_not_pass() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RedactionFailed):
        redact_values(value, redact)


def test_an_event_that_cannot_be_checked_is_withheld() -> None:
    event = {"event": "x" * (MAX_CHARS + 1), "level": "error", "password": "hunter2"}
    assert redact_event(event) == {
        "event": "log event withheld",
        "level": "error",
        "reason": "RedactionFailed",
    }
