"""`ratchet backup` and `restore` as a person types them, on the embedded database."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path


async def ratchet(home: Path, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", *arguments,
        env={"PATH": os.defpath, "HOME": str(home), "RATCHET_DATA_DIR": str(home / "data")},
        cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_a_backup_is_put_back_on_an_empty_machine_and_never_over_something_by_accident(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert (await ratchet(first, "jobs", "dead"))[0] == 0, "the database is made"
    file = str(tmp_path / "all.backup")
    code, said = await ratchet(first, "backup", file)
    assert (code, "MB" in said) == (0, True), said
    assert (await ratchet(first, "backup", file))[1].startswith(f"ratchet: {file} is there already")
    code, said = await ratchet(second, "restore", file)
    assert (code, "Restored: 0 messages" in said) == (0, True), said
    code, said = await ratchet(second, "restore", file)
    assert (code, "--replace" in said) == (1, True), said
    code, said = await ratchet(second, "restore", "--replace", file)
    assert code == 0, said
    assert (await ratchet(second, "jobs", "dead"))[0] == 0, "it works on what was restored"


async def test_a_target_that_is_no_database_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    code, said = await ratchet(tmp_path, "migrate-to", "mysql://x")
    assert (code, "no PostgreSQL URL" in said) == (2, True), said
    code, said = await ratchet(tmp_path, "restore", "nowhere.backup")
    assert (code, "There is no file" in said) == (1, True), said
