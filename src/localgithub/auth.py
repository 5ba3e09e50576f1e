"""Who calls: a token, or an App with a JWT of its own that asks for an installation's token."""

from __future__ import annotations

import secrets

import jwt
from aiohttp import web

from localgithub.answers import HUB, ApiError, answer, not_found
from localgithub.hub import HOUR_S, Hub
from localgithub.model import Account, App, iso

# GitHub takes JWTs of at most ten minutes; a minute of drift is allowed between the clocks.
MAX_LIFE_S = 660.0


def routes() -> list[web.RouteDef]:
    return [
        web.post("/app/installations/{installation_id}/access_tokens", installation_token),
        web.get("/app", show_app),
    ]


def account_of(hub: Hub, header: str) -> Account:
    """The account of an `Authorization` header. Raises ApiError 401."""
    scheme, _, token = header.partition(" ")
    known = hub.tokens.get(token.strip()) if scheme.lower() in ("bearer", "token") else None
    if known is None or (known.expires_at is not None and known.expires_at <= hub.clock()):
        raise ApiError(401, "Bad credentials" if header else "Requires authentication")
    return known


def app_of(hub: Hub, header: str) -> App:
    """The App that signed the JWT of the header. Raises ApiError 401."""
    token = header.partition(" ")[2].strip()
    try:
        claimed = jwt.decode(token, options={"verify_signature": False})
        app = hub.apps[int(claimed["iss"])]
        # The times are judged by the server's own clock.
        signed = jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )
        issued, expires = float(signed["iat"]), float(signed["exp"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise ApiError(401, "A JSON web token could not be decoded") from None
    if expires <= hub.clock() or issued > hub.clock() + 60:
        raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
    if expires - issued > MAX_LIFE_S:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


async def show_app(request: web.Request) -> web.Response:
    app = app_of(request.app[HUB], request.headers.get("Authorization", ""))
    return answer(request, {"id": app.app_id, "slug": f"app-{app.app_id}"})


async def installation_token(request: web.Request) -> web.Response:
    """A token of an hour."""
    hub = request.app[HUB]
    app = app_of(hub, request.headers.get("Authorization", ""))
    number = request.match_info["installation_id"]
    if not number.isdigit() or int(number) not in app.installations:
        raise not_found()
    token, expires = f"ghs_{secrets.token_hex(18)}", hub.clock() + HOUR_S
    hub.tokens[token] = Account(f"app-{app.app_id}[bot]", expires, installation_id=int(number))
    permissions = {"contents": "write", "metadata": "read", "pull_requests": "write"}
    body = {
        "token": token,
        "expires_at": iso(expires),
        "permissions": permissions,
        "repository_selection": "all",
    }
    return answer(request, body, 201)
