"""`ratchet monitor test` as a person types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from ratchet.cli.monitor import read_samples
from ratchet.domain.errors import Refused
from ratchet.llm.testing import Answer, ChatRequest, ModelServer, Say

FILE = """
m:
  channel_id: C0OPS
  prompt: 'Which service? {{.Message.Text}}'
  result_schema: {type: object, properties: {service: {type: string}}, required: [service]}
  executable: EXECUTABLE
  executable_args: [-c, 'import json, sys; told = json.load(sys.stdin); print(json.dumps({"direct_messages": [{"email": "ana@example.com", "text": told["llm_output"]["service"]}]}))']
"""


def reads(request: ChatRequest) -> Answer:
    return Say({"service": "checkout"} if "checkout" in request.texts("user")[-1] else {})


async def ran(
    home: Path, conninfo: str, url: str, *words: str, stdin: str | None = None
) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", "monitor", "test", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=home,
        env={
            "PATH": os.defpath, "HOME": str(home), "RATCHET_DATABASE_URL": conninfo,
            "RATCHET_OPENAI_URL": url, "RATCHET_OPENAI_MODEL": "scripted",
        },
    )  # fmt: skip
    async with asyncio.timeout(120):
        out, err = await process.communicate(stdin.encode() if stdin else None)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_prompt_answers_errors_and_what_would_be_sent_are_said(conninfo: str, tmp_path: Path) -> None:
    file = tmp_path / "monitors.yaml"
    file.write_text(FILE.replace("EXECUTABLE", sys.executable))
    async with ModelServer(reads).serve() as model:
        status, out, err = await ran(
            tmp_path, conninfo, model.url, str(file), "--messages", "-", stdin="checkout is out\nlunch\n"
        )
        assert status == 1, err
        for expected in (
            "== m: checkout is out",
            "  | Which service? <data",
            "would send to ana@example.com\n  | checkout",
            "answer 2 does not fit: 'service' is a required property",
            "FAILED result_schema: ",
        ):
            assert expected in out
        said = tmp_path / "said.json"
        said.write_text('[{"text": "checkout again", "user": "U0ANA"}]')
        words = (str(file), "--messages", str(said), "--no-execute", "--json")
        status, out, err = await ran(tmp_path, conninfo, model.url, *words)
        found = json.loads(out)
        assert (status, found["monitor"], found["output"]) == (0, "m", {"service": "checkout"})
        assert (found["ran"], found["sends"], found["problem"]) == (False, [], "")
        status, _, err = await ran(tmp_path, conninfo, model.url, str(file))
        assert (status, "No message of channel C0OPS is recorded" in err) == (1, True)
        file.write_text("m: {channel_id: ops}")
        status, _, err = await ran(tmp_path, conninfo, model.url, str(file))
        assert status == 2
        assert "monitors.yaml: m: channel_id: ops is no channel id" in err


def test_messages_come_as_json_or_as_lines() -> None:
    assert [one.text for one in read_samples("a\n\nb\n")] == ["a", "b"]
    assert [(one.text, one.user) for one in read_samples('["a", {"text": "b", "user": "U1"}]')] == [
        ("a", "U0TYPED"),
        ("b", "U1"),
    ]
    assert [one.text for one in read_samples('{"messages": [{"text": "a"}]}')] == ["a"]
    assert [one.text for one in read_samples('{"text": "a"}')] == ["a"]


@pytest.mark.parametrize("text", ["", "[]", "[5]", '[{"user": "U1"}]', "5"])
def test_messages_of_a_wrong_kind_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="--messages"):
        list(read_samples(text))
