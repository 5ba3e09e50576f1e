"""Exports that are large, damaged or hostile, by the real command."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import eventually, rows
from tests.acceptance.importing import importing, run_import

Json = dict[str, Any]
Files = dict[str, bytes]

START = 1_760_000_000
COUNT = "select count(*) from messages"
TEXTS = "select ts, attrs->'payload'->>'text' from messages order by ts"


def message(number: int, text: Any = "", **more: Any) -> Json:
    return {
        "type": "message",
        "user": "U1",
        "ts": f"{START + number}.000100",
        "text": text or f"m{number}",
        **more,
    }


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def good() -> Files:
    """A small export in which nothing is wrong; its two messages must survive whatever is added."""
    return {
        "channels.json": as_json([{"id": "C1", "name": "general"}, {"id": "C2", "name": "quiet"}]),
        "users.json": as_json([{"id": "U1", "name": "ada", "profile": {"real_name": "Ada"}}]),
        "general/2025-10-09.json": as_json(
            [message(1), message(2, reactions=[{"name": "eyes", "users": ["U1"]}])]
        ),
    }


def archive(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


Damage = Callable[[bytearray, int, int], None]


def edit_entry(path: Path, name: str, change: Damage) -> None:
    """`change` gets the file and the positions of the entry's local header and directory record."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as opened:
        header = opened.getinfo(name).header_offset
        directory = opened.start_dir
    record = data.index(name.encode(), directory) - 46
    change(data, header, record)
    path.write_bytes(bytes(data))


def encrypt(data: bytearray, header: int, record: int) -> None:
    data[header + 6] |= 1
    data[record + 8] |= 1


def corrupt(data: bytearray, header: int, record: int) -> None:
    start = header + 30 + int.from_bytes(data[header + 26 : header + 28], "little")
    data[start : start + 6] = b"\xff" * 6


def misplace(data: bytearray, header: int, record: int) -> None:
    data[record + 42 : record + 46] = (header + 3).to_bytes(4, "little")


def unknown_method(data: bytearray, header: int, record: int) -> None:
    data[header + 8] = data[record + 10] = 99


def large() -> Files:
    """Five channels of forty days of a hundred messages."""
    names = [f"channel-{n}" for n in range(5)]
    files = {"channels.json": as_json([{"id": f"C{n}", "name": name} for n, name in enumerate(names)])}
    for channel, name in enumerate(names):
        for day in range(40):
            base = channel * 1_000_000 + day * 1_000
            files[f"{name}/2025-{day:04}.json"] = as_json([message(base + n) for n in range(100)])
    return files


async def test_an_export_of_twenty_thousand_messages_is_imported_with_progress(
    conninfo: str, tmp_path: Path
) -> None:
    ended = await run_import(archive(tmp_path / "big.zip", large()), conninfo, tmp_path)
    assert ended.status == 0, ended.err
    assert "200/200 files" in ended.err
    assert (ended.report["files"], ended.report["read"], ended.report["stored"]) == (200, 20_000, 20_000)
    assert (await rows(conninfo, COUNT))[0][0] == 20_000


async def test_an_import_killed_midway_goes_on_where_it_was(conninfo: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "big.zip", large())
    for goal in (1_000, 8_000):
        async with importing(path, conninfo, tmp_path) as process:

            async def far_enough(goal: int = goal) -> bool:
                return bool((await rows(conninfo, COUNT))[0][0] >= goal)

            await eventually(far_enough, what=f"{goal} messages are imported")
            process.kill()
        assert process.returncode == -9
    ended = await run_import(path, conninfo, tmp_path)
    assert 60 <= ended.report["resumed"] < 200
    assert ended.report["resumed"] + ended.report["files"] == 200
    assert (await rows(conninfo, COUNT))[0][0] == 20_000


ODD_ROWS: dict[str, list[Any]] = {
    "no rows": [None, 7, "text", [], True],
    "no messages": [
        {},
        {"ts": None},
        {"ts": 1},
        {"ts": "soon"},
        {"ts": "99999999999999999999.000100"},
        {"ts": []},
    ],
    "fields of wrong types": [
        message(
            10, user=[], text={}, thread_ts=5, reactions=7, blocks="x", attachments=[[], 3], files=[None]
        ),
        message(11, reactions=[None, {}, {"name": 3, "users": [None, 4, {}]}, {"name": "x", "users": "U1"}]),
        message(12, edited=[], subtype=["bot_message"], bot_profile="b", user_profile=[]),
        {"ts": f"{START + 13}.000100", "text": None, "user": None},
    ],
    "what no database stores": [
        message(20, "nul \x00 and lone \ud83d surrogate", user="U\x00\udc00"),
        message(21, **{"key\x00\ud800": "\x00"}),
        message(22, reactions=[{"name": "n\x00\ud83d", "users": ["U\x00"]}]),
        message(23, figure=float("nan"), other=float("inf"), large=10**400),
    ],
    "too long for an index": [
        message(
            30,
            user="U" + os.urandom(5000).hex(),
            reactions=[{"name": os.urandom(5000).hex(), "users": ["U1"]}],
        ),
        message(31, reactions=[{"name": "eyes", "users": [os.urandom(5000).hex()]}]),
        message(32, " ".join(os.urandom(6).hex() for _ in range(200_000))),
    ],
    "nested deeply": [message(40, blocks=json.loads("[" * 400 + "]" * 400))],
}


@pytest.mark.parametrize("rows_of", ODD_ROWS)
async def test_rows_that_are_wrong_are_counted_or_stored_and_never_stop_the_import(
    rows_of: str, conninfo: str, tmp_path: Path
) -> None:
    files = {**good(), "general/2025-10-08.json": as_json([message(3), *ODD_ROWS[rows_of], message(4)])}
    ended = await run_import(archive(tmp_path / "odd.zip", files), conninfo, tmp_path)
    assert ended.status == 0, ended.err
    assert {"m1", "m2", "m3", "m4"} <= {text for _, text in await rows(conninfo, TEXTS)}
    left_out = sum(ended.report["skipped"].values())
    assert ended.report["stored"] + left_out >= len(ODD_ROWS[rows_of]) + 4
    again = await run_import(tmp_path / "odd.zip", conninfo, tmp_path)
    assert again.report["resumed"] == ended.report["files"]


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "quiet/2025-10-01.json": (b'[{"ts": "1', "broken JSON"),
    "quiet/2025-10-02.json": (b"\xff\xfe\x00", "broken JSON"),
    "quiet/2025-10-03.json": (b"[" * 200_000, "broken JSON"),
    "quiet/2025-10-04.json": (b'{"messages": []}', "not a list"),
    "quiet/2025-10-05.json": (b"", "broken JSON"),
    "nobody/2025-10-01.json": (as_json([message(99)]), "folder of no listed channel"),
    "../../general/2025-10-09.json": (as_json([message(98)]), "path outside the archive"),
    "/etc/2025-10-09.json": (as_json([message(97)]), "path outside the archive"),
    "..\\general\\2025-10-09.json": (as_json([message(96)]), "path outside the archive"),
}


async def test_files_that_are_wrong_are_named_and_the_others_imported(conninfo: str, tmp_path: Path) -> None:
    files = {**good(), **{name: content for name, (content, _) in BAD_FILES.items()}}
    ended = await run_import(archive(tmp_path / "bad.zip", files), conninfo, tmp_path)
    assert ended.status == 0, ended.err
    assert [text for _, text in await rows(conninfo, TEXTS)] == ["m1", "m2"]
    expected = {f"{name.replace(chr(92), '/')}: {why}" for name, (_, why) in BAD_FILES.items()}
    assert {problem.replace("\\", "/") for problem in ended.report["problems"]} == expected
    assert not (tmp_path.parent / "general").exists()


@pytest.mark.parametrize("damage", [encrypt, corrupt, misplace, unknown_method])
async def test_an_entry_that_cannot_be_read_is_named_and_the_others_imported(
    damage: Damage, conninfo: str, tmp_path: Path
) -> None:
    name = "quiet/2025-10-01.json"
    path = archive(tmp_path / "damaged.zip", {**good(), name: as_json([message(n) for n in range(50, 90)])})
    edit_entry(path, name, damage)
    ended = await run_import(path, conninfo, tmp_path)
    assert ended.status == 0, ended.err
    assert [text for _, text in await rows(conninfo, TEXTS)] == ["m1", "m2"]
    assert ended.report["problems"] == [f"{name}: unreadable file"]


async def test_a_damaged_file_is_read_when_the_archive_is_mended(conninfo: str, tmp_path: Path) -> None:
    name = "quiet/2025-10-01.json"
    path = archive(tmp_path / "export.zip", {**good(), name: as_json([message(50)])})
    whole = path.read_bytes()
    edit_entry(path, name, corrupt)
    await run_import(path, conninfo, tmp_path)
    path.write_bytes(whole)
    ended = await run_import(path, conninfo, tmp_path)
    assert ended.report["problems"] == []
    assert [text for _, text in await rows(conninfo, TEXTS)] == ["m1", "m2", "m50"]


def odd_directory(data: bytes) -> bytes:
    """A name that claims to be UTF-8 and is not."""
    record = data.rindex(b"PK\x01\x02")
    changed = bytearray(data)
    changed[record + 9] |= 0x08
    changed[record + 46] = 0xFF
    return bytes(changed)


def newer_version(data: bytes) -> bytes:
    record = data.rindex(b"PK\x01\x02")
    changed = bytearray(data)
    changed[record + 6] = 99
    return bytes(changed)


NO_EXPORTS: dict[str, Callable[[bytes], bytes]] = {
    "empty file": lambda data: b"",
    "not a zip": lambda data: b"hello",
    "half a zip": lambda data: data[: len(data) // 2],
    "zip of nothing": lambda data: data[-22:-14] + b"\0" * 14,
    "name that is not UTF-8": odd_directory,
    "zip of the future": newer_version,
}


@pytest.mark.parametrize("kind", NO_EXPORTS)
async def test_what_is_no_export_is_refused_in_one_line(kind: str, conninfo: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "none.zip", good())
    path.write_bytes(NO_EXPORTS[kind](path.read_bytes()))
    await refused(path, conninfo, tmp_path)


@pytest.mark.parametrize("missing", ["channels.json", "general/2025-10-09.json"])
async def test_an_export_without_channels_or_folders_is_refused_in_one_line(
    missing: str, conninfo: str, tmp_path: Path
) -> None:
    files = good()
    del files[missing]
    await refused(archive(tmp_path / "none.zip", files), conninfo, tmp_path)


async def test_a_path_to_nothing_and_to_a_folder_is_refused_in_one_line(
    conninfo: str, tmp_path: Path
) -> None:
    await refused(tmp_path / "nothing.zip", conninfo, tmp_path)
    await refused(tmp_path, conninfo, tmp_path)


async def refused(path: Path, conninfo: str, home: Path) -> None:
    ended = await run_import(path, conninfo, home)
    assert ended.status == 1
    assert ended.out == ""
    (line,) = [line for line in ended.err.splitlines() if line.strip() and not line.startswith("Importing")]
    assert line.startswith("ratchet: ")
    assert (await rows(conninfo, "select count(*) from messages"))[0][0] == 0
