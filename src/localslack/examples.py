"""Where the example workspace is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def example_path() -> Path:
    """The directory of the example workspace, in the form of a Slack export with a scenarios.json."""
    return Path(str(files("localslack").joinpath("example")))
