"""Settings: every error at once, each with its remedy, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.domain.errors import Misconfigured
from ratchet.settings import Settings, load, split_addr, variable, visible

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def read(env_file: Path | None = None) -> Settings:
    return load(env_file=env_file)


def test_without_anything_set_the_database_is_embedded_and_the_api_on_loopback() -> None:
    settings = read()
    assert settings.database.embedded
    assert settings.http_addr == "127.0.0.1:5001"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = tmp_path / ".env"
    env.write_text("RATCHET_OPENAI_MODEL=from-file\nRATCHET_LOG_LEVEL=debug\n")
    monkeypatch.setenv("RATCHET_OPENAI_MODEL", "from-environment")
    settings = read(env)
    assert (settings.openai_model, settings.log_level) == ("from-environment", "debug")


def test_everything_wrong_is_said_at_once_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_DATABASE_PORT", "hunter2")
    monkeypatch.setenv("RATCHET_ONBOARD_MESSAGES", "-1")
    monkeypatch.setenv("RATCHET_HTTP_ADDR", "0.0.0.0:80")
    with pytest.raises(Misconfigured) as caught:
        read()
    text = str(caught.value)
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "RATCHET_HTTP_ADDR",
        "RATCHET_DATABASE_PORT",
        "RATCHET_ONBOARD_MESSAGES",
    ]
    assert "hunter2" not in text


@pytest.mark.parametrize("addr", ["0.0.0.0:5001", "[::]:5001", "ratchet.example:80"])
def test_off_loopback_a_token_is_required(addr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_HTTP_ADDR", addr)
    with pytest.raises(Misconfigured, match="RATCHET_HTTP_TOKEN"):
        read()
    monkeypatch.setenv("RATCHET_HTTP_TOKEN", "t")
    assert read().http_addr == addr


@pytest.mark.parametrize("addr", ["5001", "host:", "host:port", ":70000", "a:²"])
def test_an_address_that_is_none_is_named(addr: str) -> None:
    with pytest.raises(ValueError, match="RATCHET_HTTP_ADDR"):
        split_addr(addr)


def test_tokens_of_the_wrong_kind_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SLACK_BOT_TOKEN", "xapp-secret")
    with pytest.raises(Misconfigured) as caught:
        read().slack_tokens()
    assert "RATCHET_SLACK_BOT_TOKEN does not begin with xoxb-" in str(caught.value)
    assert "RATCHET_SLACK_APP_TOKEN is not set" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_secret_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "DATABASE_URL",
        "DATABASE_PASS",
        "OPENAI_API_KEY",
        "HTTP_TOKEN",
    )
    for name in secrets:
        monkeypatch.setenv(f"RATCHET_{name}", "hush-hush")
    settings = read()
    assert "hush" not in str(visible(settings)) + repr(settings) + repr(settings.database)


def test_parts_of_a_database_make_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_DATABASE_HOST", "db.example")
    monkeypatch.setenv("RATCHET_DATABASE_PASS", "it's \\ secret")
    config = read().database
    assert not config.embedded
    assert "host=db.example" in config.conninfo
    assert "port=5432" in config.conninfo


def test_the_model_judges_alerts_where_there_were_some_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read().alert_model == "auto"
    monkeypatch.setenv("RATCHET_ALERT_MODEL", "off")
    assert read().alert_model == "off"
    monkeypatch.setenv("RATCHET_ALERT_MODEL", "sometimes")
    with pytest.raises(Misconfigured, match="RATCHET_ALERT_MODEL"):
        read()


def test_a_token_that_only_reads_needs_the_other_and_is_another() -> None:
    alone = {"http_read_token": "reader"}
    with pytest.raises(Misconfigured, match="RATCHET_HTTP_READ_TOKEN: it needs RATCHET_HTTP_TOKEN"):
        load(alone, env_file=None)
    with pytest.raises(Misconfigured, match="RATCHET_HTTP_READ_TOKEN: it is the same"):
        load(alone | {"http_token": "reader"}, env_file=None)
