"""A process that uses the embedded server of a directory, for tests to start, kill and take over from.

Prints one line of JSON when it is connected, and again when it became the owner. Ends when its input ends.

    embedded_process.py DIRECTORY [WAY...]
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import structlog

from ratchet.domain.errors import RatchetError
from ratchet.store.embedded import EmbeddedOptions, EmbeddedServer

structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))


def report(server: EmbeddedServer) -> None:
    said = {"owned": server.owned, "pid": server.pid, "conninfo": server.conninfo}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


async def report_takeover(server: EmbeddedServer) -> None:
    while not (server.owned and server.pid):  # noqa: ASYNC110  # the server has nobody to tell
        await asyncio.sleep(0.02)
    report(server)


async def until_input_ends() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def main(directory: Path, ways: tuple[str, ...]) -> None:
    options = EmbeddedOptions(root_ways=ways) if ways else EmbeddedOptions()  # type: ignore[arg-type]  # from argv
    async with EmbeddedServer.start(directory, options) as server, asyncio.TaskGroup() as group:
        watch = group.create_task(server.watch())
        report(server)
        takeover = None if server.owned else group.create_task(report_takeover(server))
        await until_input_ends()
        watch.cancel()
        if takeover is not None:
            takeover.cancel()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]), tuple(sys.argv[2:])))
    except RatchetError as error:
        sys.exit(f"{type(error).__name__}: {error}")
