"""Passwords in addresses, and what authenticates a request: headers, cookies, signatures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, pattern_rule
from ratchet.llm.redact_judge import decoded, is_time_or_number, kept, looks_random, mixed

_END: Final = rf"\s<>\"'`{MARK}"


_PORT: Final = re.compile(r"\d{1,5}(?:[/?#]|$)")
_EXAMPLES: Final = ("password", "pass", "passwd", "pwd", "secret", "token", "x-oauth-basic", "x-access-token")


def _password(found: re.Match[str]) -> bool:
    """`http://host:8080/path@x` has a port there."""
    secret = found["s"]
    return not (_PORT.match(secret) or secret.casefold() in _EXAMPLES or kept(secret))


def _user(found: re.Match[str]) -> bool:
    return looks_random(found["s"])


def _credentials(found: re.Match[str]) -> bool:
    """What follows `Bearer` or `Basic`: in a header always, in a sentence when it looks the part."""
    secret = found["s"]
    if kept(secret) or secret[0] in "<{[($%":
        return False
    header = found["header"] is not None
    if found["scheme"].lower() == "basic":
        return ":" in decoded(secret) or (header and len(secret) >= 8)
    return looks_random(secret) or (mixed(secret) and len(secret) >= (8 if header else 16))


def _header(found: re.Match[str]) -> bool:
    secret = found["s"]
    return not (kept(secret) or is_time_or_number(secret)) and (mixed(secret) or looks_random(secret))


def _cookie(found: re.Match[str]) -> bool:
    return looks_random(found["s"]) and not kept(found["s"])


_HEADER: Final = (
    r"(?:x-|dd-|proxy-)?(?:[a-z]{1,20}-){0,3}(?:api-?key|application-key|access-token|auth-token|api-token|authtoken"
    r"|vault-token|subscription-key|server-token|private-token|deploy-token|job-token|gitlab-token|figma-token|auth-key"
    r"|functions-key|art-api|security-token|csrf-token|xsrf-token|honeycomb-team|insert-key|query-key|shared-secret"
    r"|webhook-secret|secret-key)"
)
_COOKIE: Final = (
    r"(?:[a-z_.-]{0,20}(?:session|sess|jsession|phpsess)(?:[_-]?id)?|connect\.sid|sid"
    r"|csrf[_-]?token|xsrf[_-]?token|_csrf)"
)
_QUOTE: Final = r"[\"'`\\]{0,3}"
# The user may be missing; the password may hold what it should not, `/` and `@`.
_USER: Final = rf"[A-Za-z][A-Za-z0-9+.-]{{1,20}}://[^{_END}/:@?#]{{0,100}}:"
_IN_URL: Final = rf"[^{_END}/@|]{{1,200}}(?:[^{_END}|]{{0,60}}(?=@)[^{_END}/|]{{0,60}})?"
_SCHEME: Final = (
    r"(?<![A-Za-z])(?P<scheme>bearer|basic"
    r"|(?(header)(?:token|geniekey|splunk|apikey|negotiate|ntlm|bot|key)|bearer))"
)

RULES: Final[Sequence[Rule]] = (
    pattern_rule("password in url", "://", rf"{_USER}(?P<s>{_IN_URL})@(?=[\w\[/(])", _password),
    pattern_rule(
        "password in url",
        "jdbc:oracle",
        rf"jdbc:oracle:\w{{2,10}}:[\w$#]{{1,60}}/(?P<s>[^{_END}@]{{1,100}})@",
        _password,
    ),
    pattern_rule(
        "token in url", "://", rf"://(?P<s>[\w.~-]{{16,400}})(?=@|:x-oauth-basic@|:[{MARK}]?@)", _user
    ),
    pattern_rule("token in url", "/bot", r"/bot(?P<s>\d{5,12}:[\w-]{20,60})"),
    pattern_rule(
        "signature in url",
        "sig= signature=",
        rf"(?i)[?&;](?:amp;)?(?:x-amz-|x-goog-|x-oss-)?sig(?:nature)?=(?P<s>[^{_END}&|]{{16,}})",
    ),
    pattern_rule(
        "credentials",
        "bearer basic authorization",
        r"(?i)(?P<header>authorization[\"'\\]{0,4}\s{0,4}[:=,(]{1,2}[\s\[]{0,4}(?:b|f|r)?[\"'\\`]{0,4})?"
        rf"{_SCHEME}(?:[\s:=+]{{1,4}}|%20)(?:token=)?{_QUOTE}(?P<s>[^{_END},;()\[\]{{}}\\]{{6,}})",
        _credentials,
    ),
    pattern_rule(
        "credentials",
        "authorization",
        rf"(?i)authorization[\"'\\]{{0,4}}\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}(?P<s>[^{_END},;()\[\]{{}}\\]{{12,}})",
        _user,
    ),
    pattern_rule(
        "key in header",
        "-key -token -api -team -secret apikey",
        rf"(?i)(?<![\w-])(?:{_HEADER})[\"'\\]{{0,4}}\s{{0,4}}[:=,]\s{{0,4}}{_QUOTE}(?P<s>[^{_END},;\\]{{6,}})",
        _header,
    ),
    pattern_rule(
        "cookie",
        "sess sid= csrf xsrf",
        rf"(?i)(?<![A-Za-z0-9]){_COOKIE}=(?P<s>[^{_END};,&]{{12,}})",
        _cookie,
    ),
)
