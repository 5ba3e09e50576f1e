"""The commands a person types. Heavy imports are inside the commands, so that `--help` is quick.

To add one: a module with what it does, and its signature in the `commands_*` module that fits.
"""

from __future__ import annotations

import sys

from ratchet.cli.base import app, told_unexpected

# Each adds its commands to `app`, in the order of `--help`.
# isort: off
from ratchet.cli import commands_running  # noqa: F401  # its commands
from ratchet.cli import commands_history  # noqa: F401  # its commands
from ratchet.cli import commands_answers  # noqa: F401  # its commands
from ratchet.cli import commands_parts  # noqa: F401  # its commands
from ratchet.cli import commands_operating  # noqa: F401  # its commands
from ratchet.cli import commands_monitor  # noqa: F401  # its commands
# isort: on


def main() -> None:
    """The console script."""
    sys.excepthook = told_unexpected
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
