"""The commands of the pages, run as they stand: all but those that a row here leaves out, with the reason."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from localslack import example_path
from tests.unit.pages.checks import pages

LEFT_OUT: Final = {
    r"ratchet run\b": "runs until it is stopped; tests/acceptance/test_first_hour.py",
    r"ratchet doctor\b": "wants Slack; tests/acceptance/test_first_hour.py",
    r"ratchet (eval|monitor)\b": "wants a language model",
    r"ratchet restore\b": "puts back what is there; tests/integration/cli/test_keep.py",
    r"ratchet reclassify \[": "a form, not a command",
}
COMMAND_S: Final = 120.0
ALERT: Final = {
    "type": "message", "subtype": "bot_message", "bot_id": "B0AM", "username": "Alertmanager",
    "ts": "1700000000.000100", "text": "", "attachments": [{"title": "[FIRING:1] DiskFull db (host-1 critical)"}],
}  # fmt: skip

REPLY: Final = {"type": "message", "user": "U06ANA", "ts": "1700000060.000100", "text": "a restart did it"}


def documented() -> list[str]:
    found = [line for page in pages() for line in page.lines if re.search(r"(^|/bin/|\| )ratchet ", line)]
    commands = [re.sub(r"^\S*/bin/ratchet ", "ratchet ", line) for line in found]
    return [one for one in dict.fromkeys(commands) if not any(re.search(left, one) for left in LEFT_OUT)]


def written(folder: Path) -> None:
    """What the pages' readers have: an export, and files."""
    export = folder / "export"
    shutil.copytree(example_path(), export)
    channels: list[dict[str, Any]] = json.loads((export / "channels.json").read_text("utf-8"))
    for number, name in enumerate(("ops", "alerts")):
        channels.append({**channels[0], "id": f"C06MADE{number}", "name": name, "is_general": False})
        (export / name).mkdir()
        (export / name / "2023-11-14.json").write_text(json.dumps([ALERT, REPLY]), "utf-8")
    (export / "channels.json").write_text(json.dumps(channels), "utf-8")
    users: list[dict[str, Any]] = json.loads((export / "users.json").read_text("utf-8"))
    users.append({**users[0], "id": "U06ANA", "name": "ana", "profile": {"display_name": "ana"}})
    (export / "users.json").write_text(json.dumps(users), "utf-8")
    shutil.make_archive(str(folder / "export"), "zip", export)
    (folder / "message.json").write_text(json.dumps(ALERT), "utf-8")


async def run(command: str, folder: Path, conninfo: str) -> tuple[int | None, str]:
    """Exit status, and what it prints."""
    programs = str(Path(sys.executable).parent)
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", command,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": f"{programs}:{os.defpath}",
            "HOME": str(folder),
            "RATCHET_DATABASE_URL": conninfo,
            "RATCHET_COMMANDS_MCP_SERVER_URLS": f"{programs}/mcp-server-time --local-timezone UTC",
        },
    )  # fmt: skip
    async with asyncio.timeout(COMMAND_S):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_every_command_of_the_pages_runs(tmp_path: Path, conninfo: str) -> None:
    written(tmp_path)
    commands = documented()
    assert len(commands) >= 18
    # Before all else, since the others look at what it brings.
    commands.sort(key=lambda command: not command.startswith("ratchet import"))
    for command in commands:
        status, printed = await run(command, tmp_path, conninfo)
        assert status == 0, (command, printed)
        assert "Traceback" not in printed, (command, printed)
