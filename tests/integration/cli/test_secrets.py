"""No secret is printed: not by `config`, not by `doctor`, not by an error, not by a traceback, not in arguments."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import pytest

from ratchet.cli.base import clean, told_unexpected

NOWHERE: Final = "127.0.0.1:9"
CANARY: Final = "hxQ7vR2mKp9TzLw4"
# Each is wrong or leads nowhere, so that an error is said about it.
EVERYWHERE: Final = {
    "RATCHET_SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
    "RATCHET_SLACK_APP_TOKEN": f"xapp-{CANARY}",
    "RATCHET_SLACK_URL": f"http://user:{CANARY}@{NOWHERE}/api/",
    "RATCHET_DATABASE_URL": f"postgresql://ratchet:{CANARY}@{NOWHERE}/ratchet",
    "RATCHET_OPENAI_API_KEY": f"sk-{CANARY}",
    "RATCHET_OPENAI_URL": f"http://user:{CANARY}@{NOWHERE}/v1",
    "RATCHET_OPENAI_EMBEDDING_MODEL": "words",
    "RATCHET_MODELS": f"openai:local@http://user:{CANARY}@{NOWHERE}/v1",
    "RATCHET_MODEL_KEYS": f"local={CANARY}",
    "RATCHET_COMMANDS_MCP_SERVER_URLS": f"http://user:{CANARY}@{NOWHERE}/mcp",
    "RATCHET_HTTP_TOKEN": CANARY,
    "RATCHET_HTTP_READ_TOKEN": f"read-{CANARY}",
    "SENTRY_DSN": f"http://{CANARY}@{NOWHERE}/1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{CANARY}@{NOWHERE}",
}
COMMANDS: Final = {
    "config": ["config"],
    "config as JSON": ["config", "--json"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--json"],
    "a database that is away": ["search", "x"],
    "run": ["run"],
    "models": ["model", "check"],
    "servers": ["mcp", "list"],
}


async def said(folder: Path, arguments: list[str], **changed: str) -> str:
    """Everything that a command prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", *arguments,
        env={"PATH": os.defpath, "HOME": str(folder), **EVERYWHERE, **changed},
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return out.decode()


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_prints_no_secret(name: str, tmp_path: Path) -> None:
    printed = await said(tmp_path, COMMANDS[name])
    assert len(printed) > 20
    assert CANARY not in printed


async def test_malformed_settings_are_named_and_not_shown(tmp_path: Path) -> None:
    printed = await said(tmp_path, ["run"], **dict.fromkeys(EVERYWHERE, f"=,{CANARY},://\n{CANARY}"))
    assert "RATCHET_MODEL_KEYS" in printed
    assert CANARY not in printed


def test_a_traceback_that_nobody_expected_has_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError(f"cannot reach postgresql://ratchet:{CANARY}@db.example/ratchet")
    except RuntimeError as error:
        told_unexpected(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert "RuntimeError: cannot reach postgresql://ratchet:[redacted" in shown
    assert CANARY not in shown


def test_what_cannot_be_checked_is_withheld() -> None:
    assert clean("x" * 3_000_000).startswith("withheld")
