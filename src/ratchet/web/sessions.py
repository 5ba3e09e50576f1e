"""Who is signed in, and that what a page sends comes from a page of ours. Stateless: every replica agrees."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers

COOKIE: Final = "ratchet_session"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-Ratchet-Csrf"
LIFETIME_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Sessions:
    """A session is `end.nonce.signature`, `end` in seconds since the UTC epoch.

    The key comes from the operator's token, so that a new token ends every session.
    """

    key: bytes = field(repr=False)

    @staticmethod
    def of(token: str | None) -> Sessions:
        """Without a token: a key of this process; its pages are loaded anew after a restart."""
        secret = token.encode() if token else secrets.token_bytes(32)
        return Sessions(hashlib.sha256(b"ratchet session\0" + secret).digest())

    def begin(self, now: float) -> str:
        body = f"{int(now) + LIFETIME_S}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._sign('session', body)}"

    def of_request(self, headers: Headers, now: float) -> str | None:
        """The session of the request; None when there is none that is ours and has not ended."""
        given = _cookie(headers.get("cookie", ""))
        body, _, signature = given.rpartition(".")
        end = body.partition(".")[0]
        if not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return None
        return given if end.isdigit() and int(end) > now else None

    def csrf(self, session: str) -> str:
        """What every form of the session carries."""
        return self._sign("csrf", session)

    def vouches(self, session: str, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf(session).encode())

    def _sign(self, purpose: str, text: str) -> str:
        signed = f"{purpose}\0{text}".encode("utf-8", "replace")
        return hmac.new(self.key, signed, hashlib.sha256).hexdigest()


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def set_cookie(session: str, *, secure: bool) -> str:
    """The header's value. `secure`: the browser came by https."""
    ends = f"; Max-Age={LIFETIME_S}" if session else "; Max-Age=0"
    return f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict{ends}{'; Secure' if secure else ''}"
