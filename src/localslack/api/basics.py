"""api.test, auth.test, apps.connections.open, bots.info."""

from __future__ import annotations

from localslack.api.call import Call, Method
from localslack.errors import SlackError
from localslack.model import Json


def api_test(call: Call) -> Json:
    if call.text("error"):
        raise SlackError(call.text("error"), args=dict(call.args))
    return {"args": dict(call.args)}


def auth_test(call: Call) -> Json:
    ws = call.ws
    if call.token.kind == "app":
        return {"app_name": ws.bot.name, "app_id": ws.app_id}
    return {
        "url": f"{ws.base_url}/",
        "team": ws.name,
        "user": call.bot.name,
        "team_id": ws.team_id,
        "user_id": call.bot.id,
        "bot_id": call.bot.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(call: Call) -> Json:
    if not call.flag("test"):
        call.token.revoked = True
    return {"revoked": call.token.revoked}


def connections_open(call: Call) -> Json:
    ticket = f"{call.ws.count('ticket'):08x}"
    call.ws.tickets.add(ticket)
    host = call.ws.base_url.replace("http://", "ws://", 1)
    return {"url": f"{host}/link/?ticket={ticket}&app_id={call.ws.app_id}"}


def bots_info(call: Call) -> Json:
    wanted = call.required("bot")
    for user in call.ws.users.values():
        if user.bot_id == wanted:
            bot = {"id": wanted, "app_id": user.app_id, "user_id": user.id, "name": user.name}
            return {"bot": {**bot, "deleted": user.deleted, "updated": 0, "icons": {}}}
    for hook in call.ws.webhooks.values():
        if hook.bot_id == wanted:
            bot = {"id": wanted, "app_id": "", "name": hook.username}
            return {"bot": {**bot, "deleted": False, "updated": 0, "icons": {}}}
    raise SlackError("bot_not_found")


# apps.connections.open is documented as tier 1, but Slack lets ten connections be opened at once.
METHODS = {
    "api.test": Method(api_test, token="any", tier=4),
    "auth.test": Method(auth_test, token="any", tier=None),
    "auth.revoke": Method(auth_revoke, token="any"),
    "apps.connections.open": Method(connections_open, scope="connections:write", token="app", tier=2),
    "bots.info": Method(bots_info, scope="users:read"),
}
