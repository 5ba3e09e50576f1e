"""`ratchet model pull`, against a scripted Ollama."""

from __future__ import annotations

import io
import socket
from collections.abc import Sequence

import pytest
from rich.console import Console
from rich.progress import Progress

from ratchet.cli.model import Bars
from ratchet.domain.errors import Refused, Transient
from ratchet.llm.pull import TRIES, Pull, Step
from ratchet.llm.testing.ollama import OllamaServer, PullAnswer

DIGEST = "sha256:2bada8a7450677000f678be90653b85d364de7db25eb5ea54136ada5f3933730"


def layer(done: int) -> dict[str, object]:
    return {"status": f"pulling {DIGEST[7:19]}", "digest": DIGEST, "total": 1000, "completed": done}


MANIFEST: dict[str, object] = {"status": "pulling manifest"}
SUCCESS: dict[str, object] = {"status": "success"}


async def pulled(answers: Sequence[PullAnswer]) -> tuple[list[Step], list[float], OllamaServer]:
    steps, pauses = list[Step](), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with OllamaServer(answers).serve() as ollama:
        await Pull(f"{ollama.root}/", "qwen2.5:7b", steps.append, sleep).run()
    return steps, pauses, ollama


async def test_every_step_is_shown_until_the_model_is_there() -> None:
    lines: list[dict[str, object]] = [
        MANIFEST,
        layer(0),
        layer(600),
        layer(1000),
        {"status": "verifying sha256 digest"},
        SUCCESS,
    ]
    steps, pauses, ollama = await pulled([PullAnswer(lines)])
    assert ollama.pulled == ["qwen2.5:7b"]
    assert [step.status for step in steps][-2:] == ["verifying sha256 digest", "success"]
    assert [step.done for step in steps if step.digest] == [0, 600, 1000]
    assert pauses == []


async def test_a_download_that_breaks_off_goes_on() -> None:
    answers = [
        PullAnswer([MANIFEST, layer(300)], whole=False),
        PullAnswer([MANIFEST, layer(700)]),
        PullAnswer([MANIFEST, layer(1000), SUCCESS]),
    ]
    steps, pauses, ollama = await pulled(answers)
    assert [step.done for step in steps if step.digest] == [300, 700, 1000]
    assert len(ollama.pulled) == 3
    assert len(pauses) == 2


async def test_one_that_gets_no_further_is_given_up_and_says_how_to_go_on() -> None:
    with pytest.raises(Transient, match="goes on where it stopped"):
        await pulled([PullAnswer([MANIFEST, layer(300)], whole=False)] * (TRIES + 1))


@pytest.mark.parametrize("status", [200, 500])
async def test_an_unknown_model_is_refused_with_where_to_look(status: int) -> None:
    error = {"error": "pull model manifest: file does not exist"}
    with pytest.raises(Refused, match=r"ollama\.com/library") as caught:
        await pulled([PullAnswer([error], status=status)])
    assert "qwen2.5:7b" in str(caught.value)


async def test_a_full_disk_is_told_in_ollamas_words() -> None:
    with pytest.raises(Refused, match="no space left on device"):
        await pulled([PullAnswer([MANIFEST, {"error": "write /root/.ollama: no space left on device"}])])


async def test_a_break_on_ollamas_side_may_be_tried_again() -> None:
    with pytest.raises(Transient, match="Run the command again"):
        await pulled([PullAnswer([MANIFEST, {"error": "max retries exceeded: unexpected EOF"}])])


async def test_lines_that_are_no_steps_are_passed_over() -> None:
    odd = ["", "not json", "[]", '{"status": 7}', '{"status": "pulling", "total": "many", "digest": null}']
    steps, _, _ = await pulled([PullAnswer([*odd, SUCCESS])])
    assert [step.status for step in steps] == ["pulling", "success"]


async def test_without_ollama_it_is_said_how_to_get_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Transient, match="ollama serve"):
        await Pull(f"http://127.0.0.1:{port}", "m", lambda _: None).run()


def test_the_bar_shows_each_file_and_each_word_once() -> None:
    out = io.StringIO()
    with Progress(console=Console(file=out, force_terminal=False, width=100)) as progress:
        bars = Bars(progress)
        for step in (Step("pulling manifest"), Step("pulling manifest"), Step("x", DIGEST, 300, 1000)):
            bars.show(step)
        bars.show(Step("x", DIGEST, 1000, 1000))
        (task,) = progress.tasks
        assert (task.description, task.completed, task.total) == ("2bada8a74506", 1000, 1000)
    assert out.getvalue().count("pulling manifest") == 1
