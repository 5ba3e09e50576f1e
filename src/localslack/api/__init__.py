"""The Web API as pure functions: one file per family, one table of methods, one way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localslack.api import basics, chat, conversations, people, surfaces, uploads
from localslack.api.call import Call, Method
from localslack.errors import SlackError
from localslack.limits import RateLimits
from localslack.model import Json, Token
from localslack.workspace import Workspace

METHODS: dict[str, Method] = {
    **basics.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **people.METHODS,
    **surfaces.METHODS,
    **uploads.METHODS,
}


def perform(
    ws: Workspace, name: str, args: Mapping[str, Any], token: str | None, limits: RateLimits | None = None
) -> Json:
    """Do one call; the answer with `ok` true. Raises SlackError and RateLimited."""
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    call = Call(ws, authenticate(ws, token), args)
    if method.token not in ("any", call.token.kind):
        raise SlackError("not_allowed_token_type")
    if method.scope:
        call.need(method.scope)
    if limits is not None:
        limits.take(name, method.tier, ws.clock())
        if name == "chat.postMessage":
            limits.take_post(call.text("channel"), ws.clock())
    return {"ok": True, **method.run(call)}


def authenticate(ws: Workspace, token: str | None) -> Token:
    """Raises not_authed, invalid_auth, token_revoked."""
    if not token:
        raise SlackError("not_authed")
    known = ws.tokens.get(token)
    if known is None:
        raise SlackError("invalid_auth")
    if known.revoked:
        raise SlackError("token_revoked")
    return known
