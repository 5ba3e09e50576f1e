"""The garbage collector looks only at what came after the start."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc
from ratchet import app
from ratchet.llm import agent
assert len(gc.get_objects()) > 100_000
app.keep_for_good()
print(len(gc.get_objects()))
"""


def test_what_is_there_at_the_start_is_not_looked_at_again() -> None:
    # In a process of its own: here, it would hold for every other test.
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000
