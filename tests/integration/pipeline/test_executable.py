"""Executables of the operator's in a clean room: what they find, and that nothing of them is left."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from ratchet.domain.errors import Misconfigured, Refused
from ratchet.pipeline.executable import MAX_ANSWER_BYTES, MAX_FILE, MAX_MEMORY, CleanRoom
from ratchet.pipeline.monitors import MonitorFile
from tests.acceptance.harness import eventually

GENERIC = "channel_id: C0OPS, prompt: p, result_schema: {type: object}"


def program(folder: Path, body: str) -> list[str]:
    script = folder / "program.py"
    script.write_text(f"import json, os, sys, time\n{body}\n")
    return [sys.executable, str(script)]


async def test_it_finds_its_input_a_directory_of_its_own_and_no_secret_of_ours(tmp_path: Path) -> None:
    body = "print(json.dumps({'env': dict(os.environ), 'cwd': os.getcwd(), 'in': sys.stdin.read()}))"
    found = json.loads(await CleanRoom().run(program(tmp_path, body), b"told", 30))
    assert found["in"] == "told"
    assert set(found["env"]) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}
    assert found["env"]["HOME"] == found["cwd"] != str(Path.cwd())
    assert not os.path.exists(found["cwd"])  # noqa: ASYNC240, PTH110  a look, once


async def test_arguments_are_read_by_no_shell(tmp_path: Path) -> None:
    command = program(tmp_path, "print(json.dumps(sys.argv[1:]))")
    odd = ["$(id)", "; rm -rf /", "a b", "`id`", "*", ""]
    assert json.loads(await CleanRoom().run([*command, *odd], b"", 30)) == odd


HELD = (
    "import resource as r\ntime.sleep(0.05)\n"
    "print(json.dumps([r.getrlimit(k) for k in (r.RLIMIT_CPU, r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)]))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
async def test_what_it_may_use_is_limited(tmp_path: Path) -> None:
    found = json.loads(await CleanRoom().run(program(tmp_path, HELD), b"", 30))
    assert found == [[30, 30], [MAX_MEMORY] * 2, [MAX_FILE] * 2, [256, 256], [0, 0]]


GREEDY = {
    "memory": ("held = [bytes(2**28) for _ in range(12)]\nprint('{}')", "exit status 1: MemoryError"),
    "a file": ("open('full', 'wb').write(bytes(2**20) * 300)\nprint('{}')", "exit status"),
    "files": ("held = [os.open('/dev/null', 0) for _ in range(300)]\nprint('{}')", "Too many open files"),
    "a processor, for longer than it has": ("\nwhile True: pass", "exit status -9|no answer within"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
@pytest.mark.parametrize("what", GREEDY)
async def test_one_that_wants_too_much_is_stopped(what: str, tmp_path: Path) -> None:
    body, said = GREEDY[what]
    with pytest.raises(Refused, match=said):
        await CleanRoom().run(program(tmp_path, f"time.sleep(0.05)\n{body}"), b"", 3)


FAILING = {
    "hangs": ("time.sleep(600)", "no answer within"),
    "hangs after its answer": ("print('{}', flush=True); time.sleep(600)", "no answer within"),
    "floods": ("\nwhile True: sys.stdout.write('x' * 65536)", "wrote more than"),
    "floods standard error for ever": ("\nwhile True: sys.stderr.write('x' * 65536)", "no answer within"),
    "forks and leaves": ("\nif os.fork() == 0: time.sleep(600)", "no answer within"),
    "forks and keeps only standard error": (
        "\nif os.fork() == 0:\n  os.close(1)\n  time.sleep(600)\nprint('{}')",
        "no answer within",
    ),
    "leaves its group": (
        "\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(12)\n  os._exit(0)\nprint('{}')",
        "no answer within",
    ),
    "forks much": (
        "\nfor _ in range(20):\n  if os.fork() == 0: time.sleep(600)\ntime.sleep(600)",
        "no answer within",
    ),
    "fails with a word": ("sys.exit('no such service')", "exit status 1: no such service"),
    "breaks": ("raise ValueError('half')", "exit status 1: ValueError: half"),
    "kills itself": ("os.kill(os.getpid(), 9)", "exit status -9"),
    "says a secret": (
        "sys.exit('token xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx')",
        "redacted",
    ),
}


@pytest.mark.parametrize("way", FAILING)
async def test_one_that_fails_is_refused_with_the_reason_and_gone(way: str, tmp_path: Path) -> None:
    body, reason = FAILING[way]
    started = time.monotonic()
    with pytest.raises(Refused, match=reason):
        await CleanRoom().run(program(tmp_path, body), b"x" * 200_000, 4.0)
    assert time.monotonic() - started < 60

    async def gone() -> bool:
        return not running_from(tmp_path)

    await eventually(gone, within=40, what="no process of it is left")


def running_from(path: Path) -> list[str]:
    """Command lines of processes that run the script, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if f"{path}/program.py" in line:
            found.append(line)
    return found


async def test_the_largest_answer_is_heard_whole(tmp_path: Path) -> None:
    body = f"sys.stdout.write('x' * {MAX_ANSWER_BYTES})"
    assert len(await CleanRoom().run(program(tmp_path, body), b"", 30)) == MAX_ANSWER_BYTES


@pytest.mark.parametrize("command", [["/nowhere"], ["/etc/passwd"], ["/"], ["a\0b"], [""]], ids=str)
async def test_one_that_cannot_start_is_refused(command: list[str]) -> None:
    with pytest.raises(Refused, match="cannot be started"):
        await CleanRoom().run(command, b"", 5)


def monitors(path: Path, *names: str, executable: str = sys.executable) -> None:
    path.write_text("".join(f"{name}: {{{GENERIC}, executable: '{executable}'}}\n" for name in names))
    # Two writes within one tick of the file system's clock are two all the same.
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1_000_000 * len(names)))


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "monitors.yaml"
    monitors(path, "one")
    source = MonitorFile.open(path)
    assert list(source.current().by_name) == ["one"]
    monitors(path, "one", "two")
    assert list(source.current().by_name) == ["one", "two"]
    path.write_text("one: [broken")
    assert list(source.current().by_name) == ["one", "two"]
    path.unlink()
    assert list(source.current().by_name) == ["one", "two"]
    monitors(path, "three")
    assert list(source.current().by_name) == ["three"]


def test_an_executable_that_is_not_here_is_named_at_the_start(tmp_path: Path) -> None:
    path, plain = tmp_path / "monitors.yaml", tmp_path / "plain"
    plain.write_text("no program")
    for executable, reason in ((str(tmp_path / "gone"), "is not here"), (str(plain), "may not be executed")):
        monitors(path, "one", executable=executable)
        with pytest.raises(Misconfigured, match=rf"monitors.yaml: one: executable: .* {reason}"):
            MonitorFile.open(path)
    for content in (b"\xff", b"x" * 3_000_000):
        path.write_bytes(content)
        with pytest.raises(Misconfigured, match=r"monitors\.yaml: it "):
            MonitorFile.open(path)
    with pytest.raises(Misconfigured, match="cannot be read"):
        MonitorFile.open(tmp_path / "missing.yaml")
