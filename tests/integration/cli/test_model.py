"""`ratchet model`, as typed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from ratchet.llm.check import CODE
from ratchet.llm.testing import Answer, CallTools, ChatRequest, HttpError, ModelServer, Say, ToolCall
from ratchet.llm.testing.ollama import OllamaServer, PullAnswer


def able(request: ChatRequest) -> Answer:
    if request.schema is not None:
        return Say({"region": "Oslo", "count": 3})
    if request.texts("tool"):
        return Say(CODE)
    return CallTools(ToolCall("team_code", {"name": "ratchet"})) if request.tools else Say("ready")


def without_tools(request: ChatRequest) -> Answer:
    return HttpError(400, message="m does not support tools") if request.tools else able(request)


async def ratchet(directory: Path, *words: str, **settings: str) -> tuple[int, str, str]:
    """Status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ratchet",
        "model",
        *words,
        env={"PATH": os.defpath, "COLUMNS": "200"} | {f"RATCHET_{k}": v for k, v in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=directory,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_check_says_per_model_what_works_and_what_to_do(tmp_path: Path) -> None:
    async with ModelServer(able).serve() as left, ModelServer(without_tools).serve() as right:
        models = f"openai:first@{left.url},openai:second@{right.url}"
        status, out, err = await ratchet(tmp_path, "check", MODELS=models, MODEL_PRICES="first=2.50/10")
    assert status == 1
    first, second = out.split("openai:second at")
    assert "openai:first at http://127.0.0.1" in first
    assert "$2.5 in, $10 out, per million tokens" in first
    assert " no " not in first
    assert "the server says that it cannot" in second
    assert "RATCHET_MODEL_PRICES=second=IN/OUT" in second
    assert "Traceback" not in err


async def test_check_as_json_and_its_status(tmp_path: Path) -> None:
    async with ModelServer(able).serve() as server:
        settings = {"OPENAI_URL": server.url, "OPENAI_MODEL": "m", "OPENAI_API_KEY": "sk-hush-hush"} | {
            "OPENAI_EMBEDDING_MODEL": "words",
            "DATA_DIR": str(tmp_path),
        }
        status, out, err = await ratchet(tmp_path, "check", "--json", **settings)
    found = json.loads(out)
    (report,) = found["models"]
    assert status == 0
    assert (report["model"], report["provider"], report["ok"]) == ("m", "openai", True)
    assert {what: one["ok"] for what, one in report["checks"].items()} == {
        "reachable": True,
        "chat": True,
        "tools": True,
        "json": True,
        "embeddings": None,
    }
    assert report["usd_per_million_tokens"] is None
    embedding = found["embedding"]
    assert (embedding["ok"], embedding["model"], embedding["dimension"]) == (True, "words", 64)
    assert embedding["waiting"] is None
    assert "hush" not in out + err


@pytest.mark.parametrize("words", [["check"], ["pull"]])
async def test_a_wrong_setting_is_said_with_its_remedy(words: list[str], tmp_path: Path) -> None:
    status, _, err = await ratchet(tmp_path, *words, MODELS="groq:llama")
    assert (status, err) == (2, "ratchet: RATCHET_MODELS: groq:llama needs a key; set GROQ_API_KEY\n")


async def test_pull_shows_the_download_and_what_comes_next(tmp_path: Path) -> None:
    layer = {"status": "pulling x", "digest": "sha256:2bada8a7450677000f67", "total": 4096, "completed": 4096}
    answer = PullAnswer([{"status": "pulling manifest"}, layer, {"status": "success"}])
    async with OllamaServer([answer]).serve() as ollama:
        models = f"openai:other@http://127.0.0.1:9/v1,ollama:tiny:1b@{ollama.root}/v1"
        status, out, err = await ratchet(tmp_path, "pull", MODELS=models)
        assert ollama.pulled == ["tiny:1b"]
    assert (status, err) == (0, "")
    assert "pulling manifest" in out
    assert "2bada8a74506" in out
    assert "ratchet model check" in out


async def test_pull_without_ollama_says_how_to_get_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    status, _, err = await ratchet(tmp_path, "pull", "tiny:1b", "--url", url)
    assert status == 1
    assert "ollama serve" in err


async def test_check_says_which_embedding_model_works(tmp_path: Path) -> None:
    async with ModelServer(able, embedding=lambda _: HttpError(401)).serve() as server:
        settings = {"OPENAI_URL": server.url, "OPENAI_EMBEDDING_MODEL": "m", "DATA_DIR": str(tmp_path)}
        status, out, _ = await ratchet(tmp_path, "check", **settings)
    assert status == 1
    assert "Embedding model: m" in out
    assert "search is by words" in out
