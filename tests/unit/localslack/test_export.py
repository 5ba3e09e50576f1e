from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localslack import WorkspaceFileError, example_path, load, shift, stamps

NOW = 1_800_000_000.0
FILES: dict[str, Any] = {
    "channels.json": [{"id": "C1ABCDEF0", "name": "ops", "members": ["U1"], "created": 1_600_000_000}],
    "groups.json": [{"id": "G1ABCDEF0", "name": "secret", "members": ["U1"]}],
    "users.json": [
        {"id": "U1", "name": "ana", "profile": {"real_name": "Ana A", "email": "ana@example.com"}}
    ],
    "ops/2024-01-01.json": [
        {
            "type": "message",
            "user": "U1",
            "text": "at <!date^1704103200^{date}|then> see <https://x.slack.com/archives/C1ABCDEF0/p1704103200000100>",
            "ts": "1704103200.000100",
            "thread_ts": "1704103200.000100",
            "reply_count": 1,
            "latest_reply": "1704189600.000200",
            "edited": {"user": "U1", "ts": "1704103300.000000"},
        },
        {
            "type": "message",
            "subtype": "channel_join",
            "user": "U1",
            "text": "joined",
            "ts": "1704103199.000001",
        },
        {"type": "message", "text": "no time"},
    ],
    "ops/2024-01-02.json": [
        {
            "type": "message",
            "user": "U1",
            "text": "reply",
            "ts": "1704189600.000200",
            "thread_ts": "1704103200.000100",
        }
    ],
    "secret/2024-01-01.json": [{"type": "message", "user": "U1", "text": "hush", "ts": "1704103201.000001"}],
}


def write(folder: Path) -> Path:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def test_a_directory_and_a_zip_load_alike(tmp_path: Path) -> None:
    folder = write(tmp_path / "export")
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in FILES:
            archive.write(folder / name, f"wrapped/{name}")
    for path in (folder, packed):
        ws = load(path, clock=lambda: NOW)
        ops = ws.channels["C1ABCDEF0"]
        assert [ops.messages[at]["text"][:6] for at in ops.top] == ["joined", "at <!d"]
        assert ops.threads == {1704103200000100: [1704189600000200]}
        assert ws.channels["G1ABCDEF0"].kind == "private"
        assert ws.users["U1"].email == "ana@example.com"
        assert ws.is_member(ops)


def test_shifting_moves_every_time_and_keeps_distances(tmp_path: Path) -> None:
    ws = load(write(tmp_path), newest_minutes_ago=10, clock=lambda: NOW)
    ops = ws.channels["C1ABCDEF0"]
    (root,) = ops.threads
    (reply,) = ops.threads[root]
    moved = (root - 1704103200000100) // 1_000_000
    assert root - 1704103200000100 == moved * 1_000_000
    assert reply - root == 1704189600000200 - 1704103200000100
    assert 0 <= NOW - 600 - reply / 1e6 < 1
    message = ops.messages[root]
    assert f"<!date^{1704103200 + moved}^" in message["text"]
    assert f"/p{root}>" in message["text"]
    assert message["edited"]["ts"] == f"{1704103300 + moved}.000000"
    assert ops.messages[reply]["thread_ts"] == stamps.text(root)


def test_shifting_leaves_numbers_that_are_no_times() -> None:
    value = {"ts": "12.5", "id": 1704103200, "text": "1704103200.000100", "count": 3, "created": 1704103200}
    assert shift.shifted(value, 10) == {**value, "created": 1704103210}


def test_the_clock_never_falls_behind_what_was_loaded(tmp_path: Path) -> None:
    ws = load(write(tmp_path), clock=lambda: 1_000_000_000.0)
    assert ws.next_ts() > "1704189600.000200"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [("channels.json", "{", "channels.json in .* is not JSON"), ("channels.json", "[]", "no channels.json")],
)
def test_a_broken_export_is_refused_with_the_files_name(
    tmp_path: Path, name: str, content: str, problem: str
) -> None:
    (write(tmp_path) / name).write_text(content)
    (tmp_path / "groups.json").unlink()
    with pytest.raises(WorkspaceFileError, match=problem):
        load(tmp_path)


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(WorkspaceFileError, match="is not a zip"):
        load(tmp_path / "x.zip")
    with pytest.raises(WorkspaceFileError, match="does not exist"):
        load(tmp_path / "missing")


def test_the_example_workspace_loads_and_its_tools_keep_their_bots() -> None:
    ws = load(example_path(), newest_minutes_ago=20, clock=lambda: NOW)
    assert ws.scenarios
    newest = max(at for channel in ws.channels.values() for at in channel.messages)
    assert 0 <= NOW - 20 * 60 - newest / 1e6 < 1
    assert {hook.username for hook in ws.webhooks.values()} >= {"Alertmanager"}
