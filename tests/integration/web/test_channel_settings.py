"""A channel's settings over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.domain.channels import Manners
from ratchet.domain.messages import Channel
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from tests.integration.web.support import OPS, client, fill

OWN = {"X-Ratchet-Request": "1"}
DEFAULTS = {
    "mode": "mention",
    "runbooks": True,
    "repeats": True,
    "storms": True,
    "external_allowed": False,
    "quiet_until": None,
    "follow_ups": False,
    "review_channel": None,
    "owner_group": None,
    "suggest_docs": False,
    "quiet_minutes": 240,
    "suggest_in_review": False,
}


def settings(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in DEFAULTS}


async def test_a_channel_shows_its_settings_alone_and_in_the_list(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        one = (await http.get("/api/channels/ops")).json()
        listed = (await http.get("/api/channels")).json()["channels"]
    assert settings(one) == DEFAULTS
    assert one in listed


async def test_what_is_given_is_set_and_the_rest_stays(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        first = await http.patch("/api/channels/ops", headers=OWN, json={"mode": "off", "storms": False})
        second = await http.patch(
            f"/api/channels/{OPS}", headers=OWN, json={"quiet_until": "2030-01-01T02:00:00+01:00"}
        )
        third = await http.patch("/api/channels/ops", headers=OWN, json={"quiet_until": None, "storms": True})
        nothing = await http.patch("/api/channels/ops", headers=OWN, json={})
        shown = await http.get("/api/channels/ops")
    assert first.status_code == 200, first.text
    assert settings(first.json()) == DEFAULTS | {"mode": "off", "storms": False}
    assert settings(second.json()) == settings(first.json()) | {"quiet_until": "2030-01-01T01:00:00Z"}
    assert settings(third.json()) == DEFAULTS | {"mode": "off"}
    assert nothing.json() == shown.json() == third.json()


WRONG = [
    ({"mode": "loud"}, "body.mode"),
    ({"mode": None}, "body.mode"),
    ({"runbooks": "no"}, "body.runbooks"),
    ({"storms": 0}, "body.storms"),
    ({"external_allowed": None}, "body.external_allowed"),
    ({"quiet_until": "soon"}, "body.quiet_until"),
    ({"quiet_until": "0001-01-01T00:00:00+10:00"}, "body.quiet_until"),
    ({"quiet": "2h"}, "body.quiet"),
    ({"follow_ups": 1}, "body.follow_ups"),
    ({"review_channel": "#answers"}, "body.review_channel"),
    ({"review_channel": True}, "body.review_channel"),
    ({"member": False}, "body.member"),
    (["off"], "body"),
    (None, "body"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
async def test_a_wrong_value_is_422_named_and_changes_nothing(
    database: Database, body: Any, field: str
) -> None:
    await fill(database)
    given = {"runbooks": False, **body} if isinstance(body, dict) and "runbooks" not in body else body
    async with client(database) as http:
        answer = await http.patch("/api/channels/ops", headers=OWN, json=given)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    channel = await Channels(database).get(OPS)
    assert channel is not None
    assert (channel.mode, channel.manners) == ("mention", Manners())


async def test_drafts_need_a_channel_where_they_can_be_reviewed(database: Database) -> None:
    await fill(database)
    await Channels(database).upsert(Channel("C0REVIEW", "answers"))
    async with client(database) as http:
        bare = await http.patch("/api/channels/ops", headers=OWN, json={"mode": "draft"})
        unknown = await http.patch("/api/channels/ops", headers=OWN, json={"review_channel": "C0NONE"})
        wanted = {"mode": "draft", "review_channel": "C0REVIEW", "follow_ups": True}
        good = await http.patch("/api/channels/ops", headers=OWN, json=wanted)
    assert (bare.status_code, unknown.status_code, good.status_code) == (422, 422, 200)
    assert "mode draft needs a review channel" in bare.json()["detail"]
    assert settings(good.json()) == DEFAULTS | wanted


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"quiet_until": 1e400}', b'{"quiet_until": NaN}', b"[" * 60_000]
)
async def test_what_is_no_json_is_refused_without_a_trace(database: Database, body: bytes) -> None:
    await fill(database)
    async with client(database) as http:
        answer = await http.patch(
            "/api/channels/ops", headers={**OWN, "Content-Type": "application/json"}, content=body
        )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


async def test_a_channel_nobody_records_is_404_and_a_stranger_is_kept_out(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        missing = await http.patch("/api/channels/nowhere", headers=OWN, json={"mode": "off"})
        foreign = await http.patch("/api/channels/ops", json={"mode": "off"})
    async with client(database, token="secret") as http:
        stranger = await http.patch("/api/channels/ops", headers=OWN, json={"mode": "off"})
    assert (missing.status_code, foreign.status_code, stranger.status_code) == (404, 403, 401)


async def test_the_gap_list_is_scheduled_over_http(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        at = "/api/channels/ops/schedules"
        weekly = {"cron": "0 9 * * 1", "time_zone": "Europe/Berlin"}
        answer = await http.put(f"{at}/gap_list", json=weekly, headers=OWN)
        assert answer.status_code == 200, answer.text
        [schedule] = (await http.get(at)).json()["schedules"]
        assert (schedule["kind"], schedule["time_zone"], schedule["last_run_at"]) == (
            "gap_list",
            "Europe/Berlin",
            None,
        )
        wrong = await http.put(f"{at}/gap_list", json={"cron": "often"}, headers=OWN)
        assert (wrong.status_code, "no schedule" in wrong.text) == (422, True)
        assert (await http.delete(f"{at}/gap_list", headers=OWN)).json() == {"schedules": []}
        assert (await http.put(f"{at}/weather", json=weekly, headers=OWN)).status_code == 422


async def test_how_a_help_channel_behaves_is_set_over_http(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        wanted = {"owner_group": "@platform", "suggest_docs": True, "quiet_minutes": 30}
        answer = await http.patch("/api/channels/ops", json=wanted, headers=OWN)
        assert wanted.items() <= answer.json().items()
        for wrong in ({"owner_group": "platform"}, {"quiet_minutes": 0}, {"suggest_docs": "yes"}):
            assert (await http.patch("/api/channels/ops", json=wrong, headers=OWN)).status_code == 422
