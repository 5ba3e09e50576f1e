"""A scripted Ollama: its own API, as far as downloads and descriptions of models go.

https://docs.ollama.com/api/pull and …/show
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class PullAnswer:
    """The answer to one request for a download. When not `whole`, the connection breaks after the lines."""

    lines: Sequence[Mapping[str, Any] | str]
    whole: bool = True
    status: int = 200


class OllamaServer:
    """`pulled` holds the names that were asked for, in order; `root` is the base of the API."""

    def __init__(self, answers: Sequence[PullAnswer] = (), context_length: int | None = None) -> None:
        """`context_length`: of every model, in tokens; None: no model is known."""
        self.pulled: list[str] = []
        self.root = ""
        self._answers = list(answers)
        self._context_length = context_length

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[OllamaServer]:
        """Listens on a free port of 127.0.0.1 while the context lasts."""
        app = web.Application()
        app.router.add_post("/api/pull", self._pull)
        app.router.add_post("/api/show", self._show)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _pull(self, http: web.Request) -> web.StreamResponse:
        self.pulled.append((await http.json())["model"])
        answer = self._answers.pop(0)
        response = web.StreamResponse(status=answer.status)
        response.content_type = "application/x-ndjson"
        await response.prepare(http)
        for line in answer.lines:
            text = line if isinstance(line, str) else json.dumps(dict(line))
            await response.write(f"{text}\n".encode())
        if answer.whole:
            await response.write_eof()
        elif http.transport is not None:
            http.transport.abort()
        return response

    async def _show(self, http: web.Request) -> web.Response:
        await http.read()
        if self._context_length is None:
            return web.json_response({"error": "model not found"}, status=404)
        return web.json_response({"model_info": {"qwen2.context_length": self._context_length}})
