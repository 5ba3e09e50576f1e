"""The environment and `.env` as one frozen value. The only reader of os.environ."""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from ratchet.alerts import NO_RULES, AlertModel, Rulebook, read_rules
from ratchet.documents.base import Source
from ratchet.documents.config import load_sources
from ratchet.domain.errors import Misconfigured
from ratchet.store.config import DatabaseConfig

PREFIX: Final = "RATCHET_"
LOOPBACK_NAMES: Final = frozenset({"localhost"})

EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)


def default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "ratchet"


def _words(value: object) -> object:
    """A comma-separated list from the environment."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """Every setting. A field `x` is the variable `RATCHET_X`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    slack_bot_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Bot token, xoxb-…, from the app's OAuth page"
    )
    slack_app_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="App-level token, xapp-…, with the scope connections:write"
    )
    slack_dev_channel: Annotated[str | None, EmptyIsNone] = Field(
        None, description="Channel id; when set, every post goes there instead"
    )
    slack_url: str = Field("https://slack.com/api/", description="Base URL of Slack's Web API")
    database_url: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="PostgreSQL URL; without it and the RATCHET_DATABASE_* values, the embedded server"
    )
    database_host: Annotated[str | None, EmptyIsNone] = Field(
        None, description="Host of the PostgreSQL server"
    )
    database_port: Annotated[int | None, EmptyIsNone] = Field(
        None, ge=1, le=65535, description="Its port, 5432"
    )
    database_user: Annotated[str | None, EmptyIsNone] = Field(None, description="User, postgres")
    database_pass: Annotated[SecretStr | None, EmptyIsNone] = Field(None, description="Password")
    database_name: Annotated[str | None, EmptyIsNone] = Field(None, description="Database, ratchet")
    database_disable_tls: bool = Field(False, description="Connect without TLS")
    data_dir: Path = Field(default_factory=default_data_dir, description="Where the embedded database lives")
    openai_api_key: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Key for the OpenAI-compatible server"
    )
    openai_url: Annotated[str | None, EmptyIsNone] = Field(
        None,
        description="Base URL of an OpenAI-compatible server; else Ollama on localhost:11434 if it answers",
    )
    openai_model: str = Field("qwen2.5:7b", description="Chat model")
    classifier_incident_classification_binary: Annotated[str | None, EmptyIsNone] = Field(
        None, description="Own classifier: a command that gets JSON on standard input"
    )
    alert_rules: Annotated[Path | None, EmptyIsNone] = Field(
        None, description="File of own rules for alerts, YAML; docs/alerts.md"
    )
    alert_model: AlertModel = Field(
        "auto",
        description="Where the model judges alerts that no rule knows: off, on,"
        " or auto: in channels where something was an alert before",
    )
    documentation: Annotated[Path | None, EmptyIsNone] = Field(
        None, description="Sources of documents, a YAML file; or a directory of documents; docs/documents.md"
    )
    onboard_messages: int = Field(
        1000, ge=0, le=100_000, description="Messages fetched when a channel is first seen"
    )
    storm_alerts: int = Field(10, ge=1, description="More alerts than this at once get one summary")
    storm_minutes: int = Field(5, ge=1, le=60, description="What «at once» means for a storm, in minutes")
    approvers: Annotated[frozenset[str], BeforeValidator(_words)] = Field(
        frozenset(),
        description="Who may approve changes: Slack user ids, comma-separated; else everybody in the channel",
    )
    http_addr: str = Field("127.0.0.1:5001", description="Address and port of the HTTP server")
    http_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Token for the HTTP API; required off loopback"
    )
    dev_mode: bool = Field(False, description="Logs for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level logged")

    @property
    def database(self) -> DatabaseConfig:
        return DatabaseConfig(
            data_dir=self.data_dir,
            url=_reveal(self.database_url),
            host=self.database_host,
            port=self.database_port,
            user=self.database_user,
            password=_reveal(self.database_pass),
            name=self.database_name,
            disable_tls=self.database_disable_tls,
        )

    @property
    def classifier_command(self) -> list[str]:
        """The operator's classifier and its arguments; empty for the built-in one."""
        return shlex.split(self.classifier_incident_classification_binary or "")

    @property
    def sources(self) -> list[Source]:
        """Where documents are read. Raises Misconfigured with every error."""
        return load_sources(self.documentation)

    @property
    def rules(self) -> Rulebook:
        """The operator's rules for alerts. Raises Misconfigured with every error and its line."""
        return rules_in(self.alert_rules) if self.alert_rules else NO_RULES

    def slack_tokens(self) -> tuple[str, str]:
        """Bot token and app token. Raises Misconfigured when one is missing or of the other kind."""
        problems = [
            problem
            for name, token, prefix in (
                ("RATCHET_SLACK_BOT_TOKEN", self.slack_bot_token, "xoxb-"),
                ("RATCHET_SLACK_APP_TOKEN", self.slack_app_token, "xapp-"),
            )
            if (problem := _token_problem(name, token, prefix))
        ]
        if problems:
            raise Misconfigured("\n".join(problems))
        return _reveal(self.slack_bot_token) or "", _reveal(self.slack_app_token) or ""


def rules_in(path: Path) -> Rulebook:
    """The rules of a file. Raises Misconfigured with every error and its line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The alert rules in {path} cannot be read: {error}") from None
    return read_rules(text, path.name)


def _token_problem(name: str, token: SecretStr | None, prefix: str) -> str | None:
    if token is None:
        return f"{name} is not set. It begins with {prefix}; docs/install.md says where to find it."
    if not token.get_secret_value().startswith(prefix):
        return f"{name} does not begin with {prefix}; it holds another kind of token."
    return None


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def split_addr(addr: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port`. Raises ValueError."""
    host, separator, port = addr.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"RATCHET_HTTP_ADDR: {addr!r} is not host:port")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def load(overrides: Mapping[str, Any] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """`overrides` by field name, then the environment, then `.env`.

    Raises Misconfigured, with every error at once.
    """
    values: dict[str, Any] = {}
    file_values = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    for source in (file_values, os.environ):
        values |= {
            name.removeprefix(PREFIX).lower(): value
            for name, value in source.items()
            if name.startswith(PREFIX) and value is not None
        }
    values |= overrides or {}
    problems = [*_open_to_others(values), *_unread_rules(values)]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise Misconfigured("\n".join([*problems, *explain(error)])) from None
    if problems:
        raise Misconfigured("\n".join(problems))
    return settings


def _open_to_others(values: Mapping[str, Any]) -> Iterator[str]:
    """Off loopback the API needs a token. Judged beside the single values, so that all is said at once."""
    addr = str(values.get("http_addr") or Settings.model_fields["http_addr"].default)
    try:
        host, _ = split_addr(addr)
    except ValueError as error:
        yield str(error)
        return
    if not is_loopback(host) and not values.get("http_token"):
        yield (
            f"RATCHET_HTTP_ADDR: {addr} is reachable from other machines;"
            " set RATCHET_HTTP_TOKEN, or listen on 127.0.0.1"
        )


def _unread_rules(values: Mapping[str, Any]) -> Iterator[str]:
    if not (path := values.get("alert_rules")):
        return
    try:
        rules_in(Path(path))
    except Misconfigured as error:
        yield f"RATCHET_ALERT_RULES: {error}"


def explain(error: ValidationError) -> list[str]:
    """One line per wrong setting: which, and what it should be. Never its value, which may be a secret."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "".join(f"{PREFIX}{str(part).upper()}: " for part in problem["loc"][:1])
        field = Settings.model_fields.get(str(problem["loc"][0])) if problem["loc"] else None
        hint = f" ({field.description})" if field else ""
        lines.append(f"{name}{problem['msg'].removeprefix('Value error, ')}{hint}")
    return lines


def visible(settings: Settings) -> dict[str, str]:
    """Every setting as text by its variable's name, secrets masked."""
    return {
        f"{PREFIX}{name.upper()}": "********"
        if isinstance(value, SecretStr)
        else str(value if value is not None else "")
        for name in Settings.model_fields
        for value in [getattr(settings, name)]
    }
