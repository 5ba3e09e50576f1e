"""`python -m bench [NAME…] [--quick]`"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console

from bench import (
    bulk,
    channel_report,
    chaos,
    classify,
    cost,
    embed,
    idle,
    ingest,
    newcomer,
    pages,
    quality,
    refresh,
    reply,
    runbook,
    search,
    soak,
    start,
    sustained,
    tracing,
    turn,
    workers,
)
from bench.report import Report, show
from ratchet.llm.redact import redact_event
from ratchet.telemetry import configure_logging


class Bench(Protocol):
    async def __call__(self, directory: Path, *, quick: bool) -> Report: ...


BENCHES: Final[dict[str, Bench]] = {
    "ingest": ingest.run,
    "cost": cost.run,
    "import": bulk.run,
    "reply": reply.run,
    "runbook": runbook.run,
    "report": channel_report.run,
    "turn": turn.run,
    "idle": idle.run,
    "classify": classify.run,
    "quality": quality.run,
    "embed": embed.run,
    "refresh": refresh.run,
    "pages": pages.run,
    "newcomer": newcomer.run,
    "search": search.run,
    "start": start.run,
    "tracing": tracing.run,
    "workers": workers.run,
}
# Only by name: they take minutes however quick the machine is.
LONG: Final[dict[str, Bench]] = {
    "chaos": chaos.run,
    "sustained": sustained.run,
    "soak": soak.run,
}


async def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure Ratchet. Linux.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(BENCHES)}, all of them without; or {', '.join(LONG)}",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, roughly how fast")
    parser.add_argument("--sizes", help="for search: how many messages, as 10000,100000")
    given = parser.parse_args()
    if unknown := set(given.names) - {*BENCHES, *LONG}:
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    configure_logging("warning", human=True, clean=redact_event)
    console = Console()
    benches = BENCHES | LONG
    if given.sizes:
        benches["search"] = partial(search.run, sizes=[int(size) for size in given.sizes.split(",")])
    for name in given.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as directory:
            show(await benches[name](Path(directory), quick=given.quick), console, quick=given.quick)


asyncio.run(main())
