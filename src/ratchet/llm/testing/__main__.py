"""`python -m ratchet.llm.testing`: a model for demonstrations, without a model."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from ratchet.llm.testing.demo import demo
from ratchet.llm.testing.server import ModelServer


async def _run(port: int) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with ModelServer(demo).serve(port) as server:
        sys.stdout.write(f"RATCHET_OPENAI_URL={server.url} RATCHET_OPENAI_MODEL=scripted\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ratchet.llm.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=8089, help="0 takes a free one (default: 8089)")
    asyncio.run(_run(parser.parse_args().port))


if __name__ == "__main__":
    main()
