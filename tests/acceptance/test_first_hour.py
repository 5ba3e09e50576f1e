"""docs/install.md, followed step by step from an empty Slack workspace to the first answer."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench.first_hour import ROOT, Newcomer, steps
from bench.processes import local_slack


async def test_the_steps_of_the_page_lead_from_an_empty_workspace_to_the_first_answer(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    # What step 3 makes, as it is here.
    (folder / ".venv").symlink_to(Path(sys.prefix))
    async with local_slack(tmp_path) as slack:
        newcomer = Newcomer(slack, folder)
        await newcomer.walk()
    assert "harborctl flags set checkout.recycle_payments_pool=on" in newcomer.answer
    assert "/archives/" in newcomer.answer
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    lines = [line for line in newcomer.doctor.splitlines() if line.strip() and not line.startswith("   ")]
    assert lines[-1] == "All is well."
    for part in ("settings", "slack", "scopes", "socket", "database", "disk"):
        assert any(line.startswith(f"ok       {part}: ") for line in lines), newcomer.doctor
    # What does not depend on the machine is on the page as it is printed.
    page = (ROOT / "docs/install.md").read_text("utf-8")
    for line in lines:
        if not re.search(r" (slack|database|disk|migrations): ", line):
            assert line in page


def test_the_page_shows_what_the_doctor_prints() -> None:
    [shown] = next(step for step in steps() if "doctor" in step.text).blocks("text")
    assert {line.split(":")[0] for line in shown.splitlines() if line[:2] in ("ok", "no")} == {
        "ok       settings", "ok       slack", "ok       scopes", "ok       socket", "ok       clock",
        "ok       database", "ok       disk", "note     migrations", "note     model", "note     documents",
    }  # fmt: skip
    assert (ROOT / "app-manifest.yml").exists()
