"""What went wrong at Slack -> our error tree. One place; no token and no body text in any message."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any, Final

from slack_sdk.errors import SlackApiError

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient


class SlackRefused(Refused):
    """Slack declined. `code` is Slack's own word (`channel_not_found`), `method` the Web API method."""

    def __init__(self, method: str, code: str, detail: str = "") -> None:
        super().__init__(f"Slack refused {method}: {code}{f' ({detail})' if detail else ''}")
        self.method = method
        self.code = code


class TokenRejected(Misconfigured):
    """Slack does not take the token, whatever it is used for."""


DEFAULT_RETRY_AFTER: Final = 30.0  # seconds; Slack always names a time with a 429, proxies may not
MAX_RETRY_AFTER: Final = 3600.0

TRANSIENT: Final = frozenset(
    {
        "external_service_error", "fatal_error", "internal_error", "rate_limited", "ratelimited",
        "request_timeout", "service_timeout", "service_unavailable", "team_added_to_org",
        "too_many_requests", "update_failed",
    }
)  # fmt: skip

_COPY_AGAIN = "copy the current token from the app's page at api.slack.com/apps into {setting}"
_REINSTALL = "reinstall the app to the workspace and put the new token into {setting}"
REMEDIES: Final[Mapping[str, str]] = {
    "invalid_auth": _COPY_AGAIN,
    "not_authed": "set {setting}",
    "account_inactive": _REINSTALL,
    "token_revoked": _REINSTALL,
    "token_expired": "switch token rotation off for the app, " + _REINSTALL,
    "not_allowed_token_type": "{setting} holds a token of another kind (xoxb- is the bot's, xapp- the app's)",
    "missing_scope": "add the scope {needed} to the app, " + _REINSTALL,
    "no_permission": "add the scope {needed} to the app, " + _REINSTALL,
    "access_denied": "ask a workspace administrator to allow the app",
    "accesslimited": "ask a workspace administrator to allow the app",
    "team_access_not_granted": "ask an organisation administrator to grant the app this workspace",
    "org_login_required": "wait until the workspace's migration is over",
    "ekm_access_denied": "ask a workspace administrator: access by key management is suspended",
    "socket_mode_not_enabled": "switch Socket Mode on at api.slack.com/apps",
    "link_disabled": "switch Socket Mode on at api.slack.com/apps",
}

TOKEN: Final = frozenset(
    {
        "account_inactive", "invalid_auth", "not_allowed_token_type", "not_authed", "token_expired",
        "token_revoked",
    }
)  # fmt: skip


def translate(error: Exception, method: str, setting: str) -> RatchetError:
    """`error` of slack_sdk, aiohttp or asyncio, raised by a call of `method` with the token in `setting`."""
    if isinstance(error, SlackApiError):
        status, headers, data = _response(error)
        if status == 429:
            return Transient(f"Slack limits {method}", retry_after=retry_after(headers))
        code = data.get("error")
        if isinstance(code, str) and code:
            return _by_code(method, code, data, setting)
        return Transient(f"Slack answered {method} with HTTP {status}")
    return Transient(f"Slack did not answer {method}: {type(error).__name__}")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, by the header of that name; within reason whatever it says."""
    with contextlib.suppress(ValueError):
        seconds = float(headers.get("Retry-After", ""))
        return DEFAULT_RETRY_AFTER if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
    return DEFAULT_RETRY_AFTER


def _response(error: SlackApiError) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
    """Status, headers and body. The SDK puts aiohttp's own response in when the body is not JSON."""
    response: Any = error.response
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    headers: Mapping[str, str] = getattr(response, "headers", {})
    data: Any = getattr(response, "data", None)
    return status, headers, data if isinstance(data, dict) else {}


def _by_code(method: str, code: str, data: Mapping[str, Any], setting: str) -> RatchetError:
    if code in TRANSIENT:
        return Transient(f"Slack failed at {method}: {code}")
    remedy = REMEDIES.get(code)
    if remedy is None:
        return SlackRefused(method, code, _detail(data))
    needed = data.get("needed") or f"that {method} needs"
    kind = TokenRejected if code in TOKEN else Misconfigured
    return kind(f"Slack refused {method}: {code}; {remedy.format(setting=setting, needed=needed)}")


def _detail(data: Mapping[str, Any]) -> str:
    """Slack's explanation of an invalid argument, short: it names fields, not contents."""
    metadata = data.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    return "; ".join(str(message) for message in messages)[:300] if isinstance(messages, list) else ""
