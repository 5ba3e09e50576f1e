"""The scripted model as an HTTP server on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from ratchet.llm.testing import wire
from ratchet.llm.testing.script import (
    Answer,
    CallTools,
    ChatRequest,
    Cut,
    EmbeddingRequest,
    EmbeddingScript,
    HttpError,
    NotJson,
    Say,
    Script,
    Silence,
    Vectors,
    player,
)


class ModelServer:
    """Answers chat completions by a script, embeddings too where one is given, and model lists by itself.

    `requests` holds every chat request and `embeddings` every request for embeddings, in order. `url` is the
    base for a client, with its `/v1`; `root` is the base for Ollama's own API.
    """

    def __init__(
        self,
        script: Script,
        models: Sequence[str] = ("scripted",),
        embedding: EmbeddingScript = lambda _: Vectors(),
    ) -> None:
        self.requests: list[ChatRequest] = []
        self.embeddings: list[EmbeddingRequest] = []
        self.root = ""
        self._embedding = embedding
        self._play = player(script)
        self._models = models
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[ModelServer]:
        """Listens on 127.0.0.1 while the context lasts; port 0 takes a free one."""
        runner = web.AppRunner(self.app(), shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            self.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            self._stopping.set()
            await runner.cleanup()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/api/tags", self._list_tags)
        return app

    async def _chat(self, http: web.Request) -> web.StreamResponse:
        request = ChatRequest(await http.json())
        self.requests.append(request)
        return await self._give(http, request, self._play(request))

    async def _give(self, http: web.Request, request: ChatRequest, answer: Answer) -> web.StreamResponse:
        match answer:
            case Silence():
                await self._quiet(answer.seconds)
                return await self._give(http, request, answer.answer or HttpError(503, message="silence"))
            case HttpError():
                return _refusal(answer)
            case NotJson():
                return web.Response(text=answer.body, content_type="application/json")
            case Cut():
                return await _stream(http, self._pieces(request, answer.answer), whole=False)
            case _:
                return await _stream(http, self._pieces(request, answer), whole=True)

    def _pieces(self, request: ChatRequest, answer: Say | CallTools) -> list[str]:
        number = len(self.requests)
        if request.stream:
            return list(wire.events(request, answer, number))
        body = json.dumps(wire.completion(request, answer, number))
        return [body[: len(body) // 2], body[len(body) // 2 :]]

    async def _quiet(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _embeddings(self, http: web.Request) -> web.StreamResponse:
        request = EmbeddingRequest(await http.json())
        self.embeddings.append(request)
        answer = self._embedding(request)
        match answer:
            case Vectors():
                return web.json_response(wire.embeddings(request, answer))
            case NotJson():
                return web.Response(text=answer.body, content_type="application/json")
            case Silence():
                await self._quiet(answer.seconds)
                return _refusal(HttpError(503, message="silence"))
            case HttpError():
                return _refusal(answer)

    async def _list_models(self, _: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "script"} for name in self._models]
        return web.json_response({"object": "list", "data": data})

    async def _list_tags(self, _: web.Request) -> web.Response:
        """Ollama's list of installed models."""
        return web.json_response({"models": [{"name": name} for name in self._models]})


def _refusal(answer: HttpError) -> web.Response:
    headers = {} if answer.retry_after is None else {"Retry-After": f"{answer.retry_after:g}"}
    return web.json_response(wire.error(answer), status=answer.status, headers=headers)


async def _stream(http: web.Request, pieces: Sequence[str], *, whole: bool) -> web.StreamResponse:
    """Sends the pieces; when not `whole`, breaks the connection after the first half of them."""
    response = web.StreamResponse()
    response.content_type = "text/event-stream" if pieces[0].startswith("data:") else "application/json"
    await response.prepare(http)
    for piece in pieces if whole else pieces[: len(pieces) // 2]:
        await response.write(piece.encode())
    if whole:
        await response.write_eof()
    elif http.transport is not None:
        http.transport.abort()
    return response
