"""`ratchet health` as a container's probe runs it."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.harness import free_port


@contextmanager
def answering(status: int, body: object, path: str = "/healthz") -> Iterator[int]:
    class Once(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(body).encode()
            self.send_response(status if self.path == path else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is named above it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Once) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


async def health(port: int, *options: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", "health", *options,
        env={"PATH": os.defpath, "RATCHET_HTTP_ADDR": f"0.0.0.0:{port}", "RATCHET_HTTP_TOKEN": "t" * 20},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, {"ok": True, "database": "connected"}, 0, "ok: database connected"),
        (
            503,
            {"ok": False, "database": "no answer within 2 s"},
            1,
            "not well: database no answer within 2 s",
        ),
        (200, "no object", 0, "ok"),
    ],
    ids=["well", "without its database", "something else"],
)
async def test_the_probe_says_how_it_is(status: int, body: object, code: int, said: str) -> None:
    with answering(status, body) as port:
        returned, output = await health(port)
    assert (returned, said in output) == (code, True), output


@pytest.mark.parametrize(("status", "code", "said"), [(200, 0, "ready: "), (503, 1, "is not ready: ")])
async def test_with_ready_it_names_every_part(status: int, code: int, said: str) -> None:
    parts = [
        {"name": "database", "ready": True, "state": "connected", "reason": ""},
        {"name": "token", "ready": False, "state": "rejected", "reason": "token_revoked"},
    ]
    with answering(status, {"ready": status == 200, "parts": parts}, "/readyz") as port:
        returned, output = await health(port, "--ready")
    assert returned == code
    assert f"{said}database connected; token rejected (token_revoked)" in output


async def test_where_nothing_runs_it_says_what_to_do() -> None:
    returned, output = await health(free_port())
    assert returned == 1
    assert "Is `ratchet run` running?" in output
