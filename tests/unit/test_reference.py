"""The pages that are made of the code are what the code says now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import ratchet.cli  # noqa: F401  # adds the commands
from ratchet.cli.reference import commands_page, settings_table
from ratchet.settings import Settings, variable

ROOT: Final = Path(__file__).resolve().parents[2]
MARKED: Final = re.compile(
    r"<!-- Made by `ratchet config --reference`. -->\n\n(.*?)\n<!-- end -->", re.DOTALL
)


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    found = MARKED.search((ROOT / "docs/configuration.md").read_text("utf-8"))
    assert found is not None
    assert found[1] == settings_table(), "put `ratchet config --reference` between the marks"


def test_every_setting_has_a_row_with_a_type_and_a_meaning() -> None:
    rows = re.findall(r"(?m)^\| `([A-Z_]+)` \| ([^|]+) \| [^|]* \| ([^|]{8,}) \|$", settings_table())
    assert {name for name, _, _ in rows} == {variable(name) for name in Settings.model_fields}
    kinds = {name: kind for name, kind, _ in rows}
    assert kinds["RATCHET_HTTP_TOKEN"] == "secret text"
    assert kinds["RATCHET_TURN_REQUESTS"] == "whole number, 1 to 100"
    assert kinds["RATCHET_LOG_LEVEL"] == "`debug`, `info`, `warning`, `error`"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert (ROOT / "docs/cli.md").read_text("utf-8") == commands_page(), (
        "run: python -m ratchet.cli.reference > docs/cli.md"
    )


def test_every_command_and_option_is_on_its_page() -> None:
    page = commands_page()
    for title in ("## ratchet run", "## ratchet jobs retry", "## ratchet model pull", "## ratchet forget"):
        assert title in page
    assert "`ratchet ask-runbook SERVICE ALERT`" in page
    assert "| `--days` | `7` | How many days up to now. |" in page
