"""Time grows with the text and no faster, whatever the text is. Ratios, not seconds: machines differ."""

from __future__ import annotations

import time
from typing import Final

import pytest

from ratchet.llm.redact import redact

SHORT: Final = 30_000  # characters
LONG: Final = 4 * SHORT
MEGABYTE: Final = 1_000_000
# Quadratic time would be 16 for four times the text.
BEARABLE: Final = 9.0

PIECES: Final = [
    *("a", " ", "\n", "=", '"', "'", "<", "-", "_", "/", ".", "\\n", "É", "İ", "\ud800", "\U0010f001"),
    *("-eyJaaaaaaaa", "eyJ", "eyJa.", "http://a:", "http://a:b", "://aaaaaaaaaaaaaaaaaaaa", "xoxb-", "AKIA", "sk-aa-"),
    *("password=", "password: ", "password is ", "token=token", "?token=", "İpassword=", 'password="', "password='\\'"),
    *("bearer ", "Authorization: Bearer ", "x-api-key: ", "?sig=", "cookie=", "jsession"),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "A" * 64 + "\n", "LS0tLS1CRUdJTi"),
    *("kind: Secret\n", "kind: Secret\ndata:\n  a: b\n", '{"kind":"Secret","data":{"a":"b",', "name: password value: "),
    *("mysql -p", "mysql 'a ", "curl -u a:", "vault put a=", "echo aaaa | ", "--token a", "secret | base64 -d\n"),
    *("the key Aa1Bb2Cc3Dd4Ee5F ", "access key\nAa1Bb2Cc3Dd4Ee5Ff6\n", "Aa1Bb2Cc3", "0123456789abcdef", "pass to x "),
    *("password for a b ", "password is is is is is ", "creds: a:b", "a@b as password", "PIN ", "recovery codes: aaaa-1111 "),
    *("$2b$12$", "$6$a$", "$argon2id$", "webhook.office.com", "maker.ifttt.com/", "[redacted: password]", "[redacted: "),
    *("auth = ('a', '", "'password', '", "identified by '", ":5432:a:b:", "machine a login b password ", "unseal key: "),
]  # fmt: skip


def seconds(piece: str, size: int) -> float:
    text = (piece * (size // len(piece) + 1))[:size]
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        redact(text)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_four_times_the_text_takes_about_four_times_the_time(piece: str) -> None:
    short, long = seconds(piece, SHORT), seconds(piece, LONG)
    assert long < BEARABLE * max(short, 0.002)


@pytest.mark.parametrize(
    "piece", ["password: ", "http://a:b", "-eyJaaaaaaaa", "-----BEGIN PRIVATE KEY-----"], ids=repr
)
def test_a_megabyte_takes_about_four_times_a_quarter(piece: str) -> None:
    assert seconds(piece, MEGABYTE) < BEARABLE * max(seconds(piece, MEGABYTE // 4), 0.002)
