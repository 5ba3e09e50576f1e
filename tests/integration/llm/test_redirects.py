"""A model's server that sends us elsewhere: what people asked and wrote goes only where the operator said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from ratchet.domain.errors import Misconfigured, RatchetError
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect, open_remote
from ratchet.llm.embed_config import EmbeddingConfig
from ratchet.llm.turn import Turn


@dataclass
class Place:
    """A server that keeps what it is sent. With a `target`, it sends everything on to there."""

    status: int = 200
    target: str = ""
    url: str = ""
    heard: list[bytes] = field(default_factory=list)

    async def answer(self, http: web.Request) -> web.Response:
        self.heard.append(await http.read())
        headers = {"Location": f"{self.target}{http.path}"} if self.target else {}
        return web.json_response({}, status=self.status, headers=headers)


@asynccontextmanager
async def serving(place: Place) -> AsyncIterator[Place]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", place.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield place
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_question_follows_no_redirect(provider: str, status: int) -> None:
    async with serving(Place()) as other, serving(Place(status, other.url)) as asked:
        runner = connect(ModelConfig(f"{asked.url}/v1", "m", SecretStr("key"), provider=provider))
        with pytest.raises(RatchetError):
            await runner.run_turn(Turn("Answer.", "What is our plan?"))
        await runner.aclose()
    assert b"our plan" in asked.heard[0]
    assert other.heard == []


async def test_a_text_to_embed_follows_no_redirect() -> None:
    async with (
        serving(Place()) as other,
        serving(Place(307, other.url)) as asked,
        aclosing(open_remote(EmbeddingConfig(f"{asked.url}/v1", "words"))) as embedder,
    ):
        with pytest.raises(Misconfigured, match=r"status 307.*RATCHET_OPENAI_URL"):
            await embedder.embed(["our plan"])
    assert b"our plan" in asked.heard[0]
    assert other.heard == []
