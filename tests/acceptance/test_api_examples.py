"""The examples of docs/api.md and of the README, run as they stand, against the example workspace."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.acceptance.demo import started

ROOT = Path(__file__).resolve().parents[2]
PLACE = "localhost:5001"
RUN_S = 60.0
MISSING = [tool for tool in ("curl", "jq", "bash") if shutil.which(tool) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def examples() -> list[str]:
    """Blocks of shell that ask the API."""
    texts = [(ROOT / name).read_text("utf-8") for name in ("docs/api.md", "README.md")]
    blocks = [block for text in texts for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    return [block for block in blocks if PLACE in block]


async def run(script: str) -> str:
    """What it prints. Any part of it that fails fails the whole."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(RUN_S):
        out, err = await process.communicate()
    assert process.returncode == 0, (script, err.decode())
    return out.decode()


async def test_every_example_of_the_api_prints_something(tmp_path: Path) -> None:
    found = examples()
    assert len(found) >= 12
    async with started(tmp_path) as demo:
        said = [await run(script.replace(PLACE, demo.api.removeprefix("http://"))) for script in found]
    for script, printed in zip(found, said, strict=True):
        if "open=true" in script:
            continue  # nothing is open in the example workspace
        lines = printed.split()
        assert lines, script
        assert lines[0] != "null", script
    of = dict(zip(found, said, strict=True))
    assert any("harborctl" in printed for printed in said)
    assert [printed for script, printed in of.items() if "If-None-Match" in script] == ["304\n"]
