"""The built wheel, in a fresh environment, from an empty folder: everything that it needs is in it."""

from __future__ import annotations

import asyncio
import subprocess
import tarfile
import zipfile
from pathlib import Path

from localslack import Control
from tests.acceptance.demo import started
from tests.acceptance.packaged import ROOT, built, installed, run


def ours() -> set[str]:
    """Every file below `src` that is kept."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return {name for name in listed if (ROOT / name).is_file()}


async def test_the_wheel_in_a_fresh_environment_runs_the_demo_from_an_empty_folder(tmp_path: Path) -> None:
    source, wheel = await asyncio.to_thread(built, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        packed = {f"src/{name}" for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == ours()
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"app-manifest.yml", ".env.example", "LICENSE", "README.md", "requirements/run.txt"} <= names

    ratchet = await asyncio.to_thread(installed, wheel, tmp_path)
    for command in ("ratchet", "localslack", "localgithub"):
        assert "Usage" in run(ratchet.with_name(command), "--help", cwd=tmp_path)
    code = "import ratchet, sys; print(ratchet.__file__, *sys.path)"
    assert str(ROOT) not in run(ratchet.with_name("python"), "-c", code, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    async with started(empty, program=(str(ratchet),)) as demo, Control(demo.slack) as slack:
        fired = await slack.do("scenarios/fire", {"scenario": "checkout-error-rate", "step": 0})
        assert await slack.wait_for(
            "messages", channel=fired["channel"], thread_ts=fired["ts"], by="bot", timeout=60
        )
        replies = await slack.messages(fired["channel"], fired["ts"])
        assert "What fixed it last time" in str(replies[1:])
        assert "harborctl" in str(replies[1:])
        for page in ("/", "/alerts", "/ask", "/openapi.json"):
            assert await demo.status(page) == 200
