"""The environment and `.env` as one frozen value. The only reader of os.environ."""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import PydanticUndefinedType

from ratchet import __version__
from ratchet.alerts import NO_RULES, AlertModel, Rulebook, read_rules
from ratchet.documents.base import Source
from ratchet.documents.config import load_sources
from ratchet.domain.errors import Misconfigured
from ratchet.llm.budget import Budget
from ratchet.llm.config import OLLAMA_URL, OPENAI_URL, ModelConfig, read_models
from ratchet.llm.embed_config import EmbeddingConfig
from ratchet.llm.mcp_config import McpServer, load_servers
from ratchet.llm.prices import own_price, read_prices
from ratchet.llm.redact import redact
from ratchet.llm.redact_own import read_patterns
from ratchet.pipeline.monitors import MonitorFile
from ratchet.store.config import DatabaseConfig
from ratchet.telemetry.tracing import TracingConfig

PREFIX: Final = "RATCHET_"
# Named by others: what sets up their other programs sets up Ratchet too.
UNPREFIXED: Final = {
    "sentry_dsn": "SENTRY_DSN",
    "sentry_environment": "SENTRY_ENVIRONMENT",
    "trace_sample_rate": "TRACE_SAMPLE_RATE",
    "otel_exporter_otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
}
REQUIRED: Final = ("slack_bot_token", "slack_app_token")
LOOPBACK_NAMES: Final = frozenset({"localhost"})

EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)


def default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "ratchet"


def _words(value: object) -> object:
    """A comma-separated list from the environment."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _zone(name: str) -> str:
    """Raises ValueError for what is no time zone."""
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; take a name such as Europe/Berlin or UTC")
    return name


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
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the embedded database and copies of documents live",
    )
    openai_api_key: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Key for the OpenAI-compatible server"
    )
    openai_url: Annotated[str | None, EmptyIsNone] = Field(
        None,
        description="Base URL of an OpenAI-compatible server; else Ollama on localhost:11434 if it answers",
    )
    openai_model: str = Field("qwen2.5:7b", description="Chat model")
    openai_embedding_model: Annotated[str | None, EmptyIsNone] = Field(
        None,
        description="Embedding model at that server, such as nomic-embed-text; else the bundled one;"
        " docs/models.md#embeddings",
    )
    models: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        (),
        description="Language models in order of preference, PROVIDER:NAME or PROVIDER:NAME@URL,"
        " comma-separated; docs/models.md",
    )
    model_keys: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Keys of models at a URL of your own: NAME=KEY, comma-separated"
    )
    model_prices: str = Field(
        "", description="Prices of models: NAME=IN/OUT in US dollars per million tokens, comma-separated"
    )
    model_check: bool = Field(True, description="Try the language models at start, and log what they can")
    turn_requests: int = Field(6, ge=1, le=100, description="Requests to the model per question")
    turn_tool_calls: int = Field(12, ge=0, le=200, description="Tool calls per question")
    turn_tokens: int = Field(120_000, ge=1_000, description="Tokens per question")
    turn_seconds: float = Field(75.0, ge=1, le=900, description="Seconds per question")
    turn_cost_usd: Annotated[float | None, EmptyIsNone] = Field(
        None, gt=0, description="US dollars per question, where the model's price is known; unset: any number"
    )
    channel_cost_usd_per_day: Annotated[float | None, EmptyIsNone] = Field(
        None,
        ge=0,
        description="US dollars for language models per channel in the last 24 hours; then answers"
        " are quotes",
    )
    classifier_incident_classification_binary: Annotated[str | None, EmptyIsNone] = Field(
        None,
        description="Own classifier: a command that gets JSON on standard input;"
        " docs/configuration.md#your-own-classifier",
    )
    alert_rules: Annotated[Path | None, EmptyIsNone] = Field(
        None, description="File of own rules for alerts, YAML; docs/alerts.md"
    )
    alert_model: AlertModel = Field(
        "auto",
        description="Where the model judges alerts that no rule knows: off, on,"
        " or auto: in channels where something was an alert before",
    )
    redact_patterns: Annotated[Path | None, EmptyIsNone] = Field(
        None,
        description="File of own patterns of secrets, one regular expression a line;"
        " docs/security.md#patterns-of-your-own",
    )
    documentation: Annotated[Path | None, EmptyIsNone] = Field(
        None, description="Sources of documents, a YAML file; or a directory of documents; docs/documents.md"
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC",
        description="Time zone of what happens by the clock, such as Europe/Berlin, unless a channel"
        " has its own",
    )
    onboard_messages: int = Field(
        1000, ge=0, le=100_000, description="Messages fetched when a channel is first seen"
    )
    storm_alerts: int = Field(
        10, ge=1, description="More alerts than this at once in a channel get one summary"
    )
    storm_minutes: int = Field(5, ge=1, le=60, description="What «at once» means for a storm, in minutes")
    approvers: Annotated[frozenset[str], BeforeValidator(_words)] = Field(
        frozenset(),
        description="Who may approve changes: user ids (U…), user groups (S…, needs the scope"
        " usergroups:read), `requester` for who asked; else everybody in the channel",
    )
    keep_model_contents: bool = Field(
        False,
        description="Keep prompts and answers of language models for 90 days, redacted;"
        " docs/reports.md#what-is-kept-of-turns-with-a-model",
    )
    commands_mcp_server_urls: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="External MCP servers: commands or URLs, comma-separated; docs/mcp.md"
    )
    mcp_servers: Annotated[Path | None, EmptyIsNone] = Field(
        None, description="File of external MCP servers, YAML; docs/mcp.md"
    )
    channel_monitor_config_file: Annotated[Path | None, EmptyIsNone] = Field(
        None,
        description="File of channel monitors, YAML, read again when it changes; docs/channel-monitor.md",
    )
    channel_monitor_test_executables: Literal["listed", "any", "off"] = Field(
        "listed",
        description="Which executables the test page runs when the operator ticks it:"
        " those of the file above, any, or none",
    )
    http_addr: str = Field("127.0.0.1:5001", description="Address and port of the HTTP server")
    http_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Token for the HTTP API; required off loopback"
    )
    http_read_token: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None,
        description="Second token for the HTTP API, for programs that only read; needs"
        " RATCHET_HTTP_TOKEN beside it; docs/api.md#tokens",
    )
    http_requests_per_s: float = Field(
        50.0,
        ge=0,
        le=100_000,
        description="Requests a second of one client over HTTP, those of ten seconds at once; 0: any number",
    )
    sentry_dsn: Annotated[SecretStr | None, EmptyIsNone] = Field(
        None, description="Sentry project that is told of failures and gets traces"
    )
    sentry_environment: str = Field("production", description="What Sentry calls this installation")
    trace_sample_rate: float = Field(
        0.01, ge=0, le=1, description="Share of events that are traced; mentions and failures always are"
    )
    otel_exporter_otlp_endpoint: Annotated[str | None, EmptyIsNone] = Field(
        None,
        description="Where traces go by OTLP/HTTP; other OTEL_* variables hold too; docs/observability.md",
    )
    dev_mode: bool = Field(False, description="Logs for people instead of JSON, and every event is traced")
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
    def tracing(self) -> TracingConfig:
        """Where traces go. In development everything is traced."""
        return TracingConfig(
            otlp=self.otel_exporter_otlp_endpoint is not None,
            sentry_dsn=_reveal(self.sentry_dsn),
            sample_rate=1.0 if self.dev_mode else self.trace_sample_rate,
            environment=self.sentry_environment,
            release=__version__,
        )

    @property
    def classifier_command(self) -> list[str]:
        """The operator's classifier and its arguments; empty for the built-in one."""
        return shlex.split(self.classifier_incident_classification_binary or "")

    @property
    def sources(self) -> list[Source]:
        """Where documents are read. Raises Misconfigured with every error."""
        return load_sources(self.documentation, environment(), self.data_dir)

    @property
    def language_models(self) -> tuple[ModelConfig, ...]:
        """In order of preference; none: what is found on this machine. Raises Misconfigured."""
        listed = read_models(self.models, _reveal(self.model_keys) or "", environment())
        if self.openai_url is not None or self.openai_api_key is not None:
            first = ModelConfig(self.openai_url or OPENAI_URL, self.openai_model, self.openai_api_key)
            listed = (first, *listed)
        return tuple(map(self.tuned, listed))

    def tuned(self, model: ModelConfig) -> ModelConfig:
        """The model with the operator's price for it, and with the time that they give one request."""
        price = own_price(read_prices(self.model_prices), model.provider, model.model)
        # Most of a turn's time; some is left for an answer without it.
        return replace(model, price=price, request_timeout_s=self.turn_seconds * 0.6)

    @property
    def embedding(self) -> EmbeddingConfig | None:
        """The embedding model at a server; None for the bundled one."""
        if self.openai_embedding_model is None:
            return None
        url = self.openai_url or (f"{OLLAMA_URL}/v1" if self.openai_api_key is None else OPENAI_URL)
        price = own_price(read_prices(self.model_prices), "openai", self.openai_embedding_model)
        return EmbeddingConfig(url, self.openai_embedding_model, self.openai_api_key, price)

    @property
    def turn_budget(self) -> Budget:
        """What answering one question may spend."""
        return Budget(
            requests=self.turn_requests,
            tool_calls=self.turn_tool_calls,
            tokens=self.turn_tokens,
            seconds=self.turn_seconds,
            cost_usd=self.turn_cost_usd,
        )

    @property
    def external_servers(self) -> tuple[McpServer, ...]:
        """The external MCP servers. Raises Misconfigured with every error."""
        return load_servers(_reveal(self.commands_mcp_server_urls), self.mcp_servers, environment())

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
    variables = environment(env_file)
    values: dict[str, Any] = {
        name: variables[variable(name)] for name in Settings.model_fields if variable(name) in variables
    }
    values |= overrides or {}
    problems = [
        *_open_to_others(values),
        *_read_token(values),
        *_unread_rules(values),
        *_wrong_servers(values, variables),
    ]
    problems += [*_wrong_models(values, variables), *_wrong_patterns(values)]
    problems += _wrong_monitors(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise Misconfigured("\n".join([*problems, *explain(error)])) from None
    if problems:
        raise Misconfigured("\n".join(problems))
    return settings


def variable(field: str) -> str:
    """The variable of a field."""
    return UNPREFIXED.get(field, f"{PREFIX}{field.upper()}")


def environment(env_file: Path | None = Path(".env")) -> dict[str, str]:
    """The environment, which wins over `.env`; a secret `X` may stand in the file that `X_FILE` names.

    Raises Misconfigured when such a file cannot be read.
    """
    file_values = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    found = {name: value for name, value in file_values.items() if value is not None} | dict(os.environ)
    return found | _from_files(found)


def _from_files(found: Mapping[str, str]) -> dict[str, str]:
    """As container platforms mount secrets. A secret that is set beside its file wins."""
    secrets: dict[str, str] = {}
    for name in _secret_names():
        path = found.get(f"{name}_FILE")
        if not path or found.get(name):
            continue
        try:
            secrets[name] = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise Misconfigured(f"{name}_FILE: {path} cannot be read: {reason}") from None
    return secrets


def _secret_names() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if SecretStr in (field.annotation, *get_args(field.annotation)):
            yield variable(name)


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


def _read_token(values: Mapping[str, Any]) -> Iterator[str]:
    """Without a token every local caller is the operator, so that one which only reads would mean nothing."""
    read, full = (_plain(values.get(name)) for name in ("http_read_token", "http_token"))
    if read and not full:
        yield "RATCHET_HTTP_READ_TOKEN: it needs RATCHET_HTTP_TOKEN beside it; set that, too"
    elif read and read == full:
        yield "RATCHET_HTTP_READ_TOKEN: it is the same as RATCHET_HTTP_TOKEN; choose another"


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


def _unread_rules(values: Mapping[str, Any]) -> Iterator[str]:
    if not (path := values.get("alert_rules")):
        return
    try:
        rules_in(Path(path))
    except Misconfigured as error:
        yield f"RATCHET_ALERT_RULES: {error}"


def _wrong_patterns(values: Mapping[str, Any]) -> Iterator[str]:
    if not (path := values.get("redact_patterns")):
        return
    try:
        read_patterns(Path(path))
    except Misconfigured as error:
        yield from (f"RATCHET_REDACT_PATTERNS: {line}" for line in str(error).splitlines())


def _wrong_monitors(values: Mapping[str, Any]) -> Iterator[str]:
    if not (path := values.get("channel_monitor_config_file")):
        return
    try:
        MonitorFile.open(Path(path))
    except Misconfigured as error:
        yield from (f"RATCHET_CHANNEL_MONITOR_CONFIG_FILE: {line}" for line in str(error).splitlines())


def _wrong_servers(values: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    path = values.get("mcp_servers")
    try:
        load_servers(values.get("commands_mcp_server_urls"), Path(path) if path else None, variables)
    except Misconfigured as error:
        yield str(error)


def _wrong_models(values: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    entries: Any = _words(values.get("models") or ())
    for read in (
        lambda: read_models(entries, values.get("model_keys") or "", variables),
        lambda: read_prices(values.get("model_prices") or ""),
    ):
        try:
            read()
        except Misconfigured as error:
            yield str(error)


def explain(error: ValidationError) -> list[str]:
    """One line per wrong setting: which, and what it should be. Never its value, which may be a secret."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "".join(f"{variable(str(part))}: " for part in problem["loc"][:1])
        field = Settings.model_fields.get(str(problem["loc"][0])) if problem["loc"] else None
        hint = f" ({field.description})" if field else ""
        lines.append(f"{name}{problem['msg'].removeprefix('Value error, ')}{hint}")
    return lines


def visible(settings: Settings) -> dict[str, str]:
    """Every setting as text by its variable's name, secrets masked, also a password within an address."""
    return {
        variable(name): "********" if isinstance(value, SecretStr) else redact(written(value))
        for name in Settings.model_fields
        for value in [getattr(settings, name)]
    }


def example() -> str:
    """The text of `.env.example`: every setting with what it means, those without a default empty."""
    blocks = [
        "# Every setting of Ratchet; docs/configuration.md says more. Copy to .env and keep it private.\n"
        "# A secret may stand in a file instead: RATCHET_SLACK_BOT_TOKEN_FILE=/run/secrets/bot-token"
    ]
    for name, field in Settings.model_fields.items():
        secret = variable(name) in set(_secret_names())
        default = "" if field.default_factory is not None else written(field.default)
        commented = "" if name in REQUIRED else "# "
        note = " (secret)" if secret else ""
        blocks.append(f"# {field.description}{note}\n{commented}{variable(name)}={default}")
    return "\n\n".join(blocks) + "\n"


def written(value: object) -> str:
    """As it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, frozenset)):
        return ",".join(map(str, value))
    return "" if value is None or isinstance(value, PydanticUndefinedType) else str(value)
