"""Finding Ollama, against the scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import sys

import httpx
import pytest

from ratchet.llm.config import ModelConfig
from ratchet.llm.discover import discover
from ratchet.llm.testing import ModelServer

EXPLICIT = ModelConfig("http://127.0.0.1:9/v1", "mine")


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["llama3.2:3b", "qwen2.5:7b"], "qwen2.5:7b"),
        (["nomic-embed-text:latest", "llama3.2:3b"], "llama3.2:3b"),
        (["nomic-embed-text:latest"], None),
        ([], None),
    ],
)
async def test_the_wanted_or_any_chat_model_is_taken(installed: list[str], chosen: str | None) -> None:
    async with ModelServer([], installed).serve() as server:
        config = await discover(None, ollama_url=server.root, timeout_s=5)
    assert (config.model if config else None) == chosen
    if config:
        assert config.url == server.url
        assert config.embedding_model in {None, "nomic-embed-text:latest"}


async def test_explicit_settings_win() -> None:
    async with ModelServer([], ["qwen2.5:7b"]).serve() as server:
        assert await discover(EXPLICIT, ollama_url=server.root) is EXPLICIT


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"\x00garbage\r\n\r\n"]
)
async def test_nobody_or_somebody_else_is_none(answer: bytes) -> None:
    done = asyncio.Event()

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(10):
        assert await discover(None, ollama_url=f"http://127.0.0.1:{port}", timeout_s=5) is None
        await done.wait()
    assert await discover(None, ollama_url=f"http://127.0.0.1:{port}") is None


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        assert await discover(None, ollama_url=f"http://127.0.0.1:{port}", timeout_s=0.05) is None


async def test_the_demo_server_runs_as_a_program_and_stops_on_sigterm() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet.llm.testing", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    async with asyncio.timeout(30):
        line = (await program.stdout.readline()).decode()
        found = re.search(r"RATCHET_OPENAI_URL=(\S+)", line)
        assert found is not None
        async with httpx.AsyncClient(trust_env=False) as http:
            ask = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
            answer = (await http.post(f"{found[1]}/chat/completions", json=ask)).json()
        program.send_signal(signal.SIGTERM)
        assert await program.wait() == 0
    assert answer["choices"][0]["message"]["content"]
