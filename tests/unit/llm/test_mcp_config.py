"""Which MCP servers an operator configured: every error at once, and never a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.errors import Misconfigured
from ratchet.llm.mcp_config import McpServer, load_servers
from ratchet.settings import Settings, load, visible

ENVIRONMENT = {
    "PATH": "/bin",
    "HOME": "/home/r",
    "TOKEN": "hush-hush",
    "RATCHET_SLACK_BOT_TOKEN": "xoxb-hush",
}


def listed(urls: str) -> tuple[McpServer, ...]:
    return load_servers(urls, None, ENVIRONMENT)


def written(tmp_path: Path, text: str) -> tuple[McpServer, ...]:
    path = tmp_path / "servers.yaml"
    path.write_text(text, "utf-8")
    return load_servers(None, path, ENVIRONMENT)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        written(tmp_path, text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("entry", "name", "command"),
    [
        ("mcp-server-time --local-timezone UTC", "time", ("mcp-server-time", "--local-timezone", "UTC")),
        ("uvx mcp-server-git", "git", ("uvx", "mcp-server-git")),
        ("npx -y @modelcontextprotocol/server-github", "server-github", None),
        ("python -m mcp_server_fetch", "fetch", None),
        ("/opt/tools/mcp.grafana.py", "grafana", ("/opt/tools/mcp.grafana.py",)),
        ("env KEY=value wiki", "wiki", None),
        ("docker run -i --rm images.acme.dev/acme/mcp-jira", "jira", None),
        ("say 'a, b'", "say", ("say", "a, b")),
        ("mcp", "mcp", ("mcp",)),
        ("---", "server", ("---",)),
    ],
)
def test_a_command_is_named_by_what_it_starts(entry: str, name: str, command: tuple[str, ...] | None) -> None:
    [server] = listed(entry)
    assert server.name == name
    assert command is None or server.command == command
    assert server.environment == {"PATH": "/bin", "HOME": "/home/r"}


def test_a_list_may_mix_commands_and_addresses_and_names_stay_apart() -> None:
    servers = listed(
        "https://mcp.example.com/v1, mcp-server-time ,, http://localhost:8000/mcp,uvx mcp-server-time"
    )
    assert [server.name for server in servers] == ["example-com", "time", "localhost", "time-2"]
    assert servers[0].url == "https://mcp.example.com/v1"
    assert servers[0].command == ()
    assert listed("") == ()


def test_every_wrong_entry_of_the_list_is_said_at_once_without_its_value() -> None:
    with pytest.raises(Misconfigured) as caught:
        listed("ftp://x, https://ana:hush-hush@h/, say 'hush-hush")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["entry 1", "entry 2", "entry 3"]
    assert "hush" not in str(caught.value)


def test_a_file_says_everything_about_a_server(tmp_path: Path) -> None:
    servers = written(
        tmp_path,
        """
servers:
  - name: github
    url: https://api.example.com/mcp
    headers: {Authorization: "Bearer ${TOKEN}"}
    include: [search_*]
    exclude: [search_code]
    approval: always
    timeout_s: 30
  - {name: time, command: "uvx mcp-server-time", args: [--port, 80], env: [TOKEN], enabled: false}
  - {name: own, command: own, env: {KEY: "k-${TOKEN}"}}
""",
    )
    far, near, own = servers
    assert far.headers == {"Authorization": "Bearer hush-hush"}
    assert (far.include, far.exclude, far.approval, far.timeout_s) == (
        ("search_*",),
        ("search_code",),
        "always",
        30.0,
    )
    assert near.command == ("uvx", "mcp-server-time", "--port", "80")
    assert near.environment == {"PATH": "/bin", "HOME": "/home/r", "TOKEN": "hush-hush"}
    assert not near.enabled
    assert own.environment["KEY"] == "k-hush-hush"
    assert "hush" not in repr(servers)


def test_every_error_of_a_file_is_named_with_its_server(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
servers:
  - {name: both, command: x, url: "https://h/"}
  - {name: neither}
  - {name: two__parts, command: x}
  - {name: a, command: "x 'y"}
  - {name: b, url: "https://h/", env: [TOKEN]}
  - {name: c, command: x, headers: {A: b}, timeout_s: 0, approval: maybe}
  - {name: d, command: x, timeout: 5}
  - {name: e, url: "https://h/", headers: {A: "${MISSING}", "B C": d}}
  - {name: f, url: "gopher://h/"}
  - {name: g, url: "https://h/", headers: {A: "x\\ny"}}
  - just words
  - {name: i, command: x}
  - {name: i, command: y}
""",
    )
    labels = re.compile(r"(?<=, )server \w+(?=: )|two servers are called \w+")
    assert [label for problem in found for label in labels.findall(problem)] == [
        "server both",
        "server neither",
        "server two__parts",
        "server a",
        "server b",
        "server c",
        "server c",
        "server d",
        "server e",
        "server e",
        "server f",
        "server g",
        "server 11",
        "two servers are called i",
    ]
    text = "\n".join(found)
    assert "${MISSING} is not set in the environment" in text
    assert "a quote without its end" in text
    assert "timeout is no setting; there are name, command, args" in text


def test_a_disabled_server_needs_no_variables(tmp_path: Path) -> None:
    [server] = written(
        tmp_path, 'servers: [{name: a, url: "https://h/", headers: {A: "${NO}"}, enabled: false}]'
    )
    assert not server.enabled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servers: [", "is not YAML (line 1)"),
        ("", "has no list `servers:`"),
        ("servers: {a: b}", "has no list"),
    ],
)
def test_a_file_that_is_no_list_of_servers_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        written(tmp_path, text)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        load_servers(None, tmp_path / "absent.yaml", {})


def outcome(urls: str | None, path: Path | None) -> str | list[str]:
    """What is wrong, or the names of the servers."""
    try:
        return [server.name for server in load_servers(urls, path, ENVIRONMENT)]
    except Misconfigured as error:
        return str(error)


@given(st.text(max_size=200))
def test_any_list_gives_servers_or_a_sentence(text: str) -> None:
    found = outcome(text, None)
    if isinstance(found, str):
        assert found.startswith("RATCHET_COMMANDS_MCP_SERVER_URLS")
    else:
        assert len(set(found)) == len(found)


@given(st.text(max_size=300))
def test_any_file_gives_servers_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, "utf-8", errors="replace")
    found = outcome(None, path)
    assert not isinstance(found, str) or found.startswith("RATCHET_MCP_SERVERS")


def test_wrong_servers_fail_the_start_beside_the_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RATCHET_{name.upper()}", raising=False)
    monkeypatch.setenv("RATCHET_COMMANDS_MCP_SERVER_URLS", "ftp://x")
    monkeypatch.setenv("RATCHET_MCP_SERVERS", str(tmp_path / "absent.yaml"))
    monkeypatch.setenv("RATCHET_ONBOARD_MESSAGES", "-1")
    with pytest.raises(Misconfigured) as caught:
        load(env_file=None)
    assert {line.split(":")[0] for line in str(caught.value).splitlines()} == {
        "RATCHET_COMMANDS_MCP_SERVER_URLS",
        "RATCHET_MCP_SERVERS",
        "RATCHET_ONBOARD_MESSAGES",
    }


def test_the_list_is_masked_since_an_address_may_hold_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_COMMANDS_MCP_SERVER_URLS", "https://h/mcp?key=hush-hush")
    settings = load(env_file=None)
    assert [server.name for server in settings.external_servers] == ["h"]
    assert "hush" not in str(visible(settings)) + repr(settings)
