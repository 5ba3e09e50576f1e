"""`ratchet doctor` against a local Slack and the embedded database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from localslack import LocalSlack
from ratchet.cli.doctor import Finding, database, documents, slack
from ratchet.domain.errors import Misconfigured
from ratchet.settings import Settings
from ratchet.slack.scopes import OPTIONAL, REQUIRED

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def team() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.serve() as served:
        yield served


def settings(team: LocalSlack, **more: object) -> Settings:
    return Settings.model_validate(
        {"slack_bot_token": team.bot_token, "slack_app_token": team.app_token, "slack_url": team.api_url}
        | more
    )


async def found_by(part: AsyncIterator[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    async for finding in part:
        found.setdefault(finding.part, []).append(finding)
    return found


async def test_a_good_app_has_no_problem(team: LocalSlack) -> None:
    found = await found_by(slack(settings(team)))
    assert {finding.state for part in found.values() for finding in part} == {"ok"}
    assert set(found) >= {"slack", "scopes", "socket"}


async def test_missing_scopes_are_named_and_optional_ones_are_a_note(team: LocalSlack) -> None:
    token = team.workspace.tokens[team.bot_token]
    kept = token.scopes - {"files:write", "groups:history"}
    team.workspace.tokens[team.bot_token] = replace(token, scopes=kept)
    scopes = (await found_by(slack(settings(team))))["scopes"]
    assert [(one.state, one.detail) for one in scopes] == [
        ("problem", "missing: files:write"),
        ("note", "without groups:history private channels are not recorded"),
    ]


async def test_a_wrong_app_token_says_what_to_do(team: LocalSlack) -> None:
    with pytest.raises(Misconfigured, match="RATCHET_SLACK_APP_TOKEN"):
        await found_by(slack(settings(team, slack_app_token="xapp-wrong")))


async def test_the_embedded_database_is_started_and_left_as_it_was(team: LocalSlack, tmp_path: Path) -> None:
    found = await found_by(database(settings(team, data_dir=tmp_path)))
    assert found["database"][0].detail.startswith("embedded PostgreSQL 18")
    assert found["migrations"][0].state == "note"
    assert [one.state for one in found["clock"]] == ["ok"]


async def test_a_source_that_is_not_there_is_a_problem(team: LocalSlack, tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("sources: [{name: gone, type: directory, directory: {path: nowhere}}]", "utf-8")
    found = await found_by(documents(settings(team, documentation=file)))
    assert [one.state for one in found["documents gone"]] == ["problem"]


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "app-manifest.yml").read_text("utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == REQUIRED | set(OPTIONAL)
