"""Fixtures every test may ask for."""

import os

from hypothesis import settings

pytest_plugins = ["tests.fixtures.database"]

# The same examples each time, so that what failed fails again; `RATCHET_TEST_RANDOM=1` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", print_blob=True)
settings.load_profile("random" if os.environ.get("RATCHET_TEST_RANDOM") else "same")
