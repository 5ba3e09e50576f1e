"""A standard Slack export into the store. The archive is hostile input: every file may be anything."""

from __future__ import annotations

import asyncio
import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ratchet.domain.errors import Refused
from ratchet.domain.events import Ignored
from ratchet.domain.messages import Channel, ChannelKind
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.pipeline.reactions import reactions_on
from ratchet.slack.clean import clean_text
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_channel, parse_stored_message
from ratchet.store import imports
from ratchet.store.channels import Channels, Person
from ratchet.store.pool import Database
from ratchet.store.search import Search

# Events in one transaction: what a commit costs is then little beside them.
BATCH: Final = 1000
# A day of one channel is far below; a zip bomb is far above.
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
# What the standard library raises over a damaged, encrypted or oddly compressed entry.
UNREADABLE: Final = (zipfile.BadZipFile, OSError, RuntimeError, EOFError, zlib.error, lzma.LZMAError)
# Keys of an index, so of bounded length.
MAX_NAME: Final = 512
MAX_ID: Final = 128
LISTS: Final[Mapping[str, ChannelKind]] = {
    "channels.json": "public",
    "groups.json": "private",
    "mpims.json": "mpim",
    "dms.json": "im",
}


@dataclass(slots=True)
class ImportReport:
    """What an import did. `skipped` counts what was left out, by reason; `problems` names the files."""

    files: int = 0
    resumed: int = 0
    read: int = 0
    stored: int = 0
    channels: int = 0
    people: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self.skipped[reason] = self.skipped.get(reason, 0) + count

    def problem(self, name: str, what: str) -> None:
        self.skip(what)
        if len(self.problems) < 100:
            self.problems.append(f"{name}: {what}")


@dataclass(slots=True)
class Archive:
    """The files of an export zip, by safe names; `identity` is the hash of its directory."""

    zip: zipfile.ZipFile
    identity: str
    names: dict[PurePosixPath, zipfile.ZipInfo]
    report: ImportReport

    def load(self, name: PurePosixPath) -> Any:
        """The JSON of a file; None, and a counted problem, when it cannot be read."""
        info = self.names.get(name)
        if info is None:
            return None
        if info.file_size > MAX_FILE_BYTES:
            self.report.problem(str(name), "file too large")
            return None
        try:
            return json.loads(self.zip.read(info))
        except (ValueError, RecursionError):
            self.report.problem(str(name), "broken JSON")
        except UNREADABLE:
            self.report.problem(str(name), "unreadable file")
        return None

    def rows(self, name: PurePosixPath) -> list[dict[str, Any]] | None:
        """The objects in a file; None, and a counted problem, when it is not a list that can be read."""
        data = self.load(name)
        if data is None:
            return None
        if not isinstance(data, list):
            self.report.problem(str(name), "not a list")
            return None
        rows = [row for row in data if isinstance(row, dict)]
        self.report.skip("not an object", len(data) - len(rows))
        return rows


def open_archive(path: Path) -> Archive:
    """Open an export. Raises Refused when it is not a zip file that can be read."""
    try:
        opened = zipfile.ZipFile(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise Refused(f"{path} is not a readable zip file: {error}") from error
    report = ImportReport()
    digest = hashlib.sha256()
    names: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        digest.update(f"{info.filename}\0{info.CRC}\0{info.file_size}\n".encode(errors="replace"))
        if info.is_dir() or not info.filename.endswith(".json"):
            continue
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if len(info.filename) > MAX_NAME:
            report.problem(clean_text(info.filename[:80]), "name too long")
            continue
        if name.is_absolute() or ".." in name.parts:
            report.problem(clean_text(info.filename), "path outside the archive")
            continue
        names[name] = info
    return Archive(opened, digest.hexdigest(), _without_wrapper(names), report)


def _without_wrapper(names: dict[PurePosixPath, zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Zipping an unpacked export puts everything below one folder."""
    if PurePosixPath("channels.json") in names:
        return names
    wrappers = [name.parent for name in names if name.name == "channels.json" and len(name.parts) == 2]
    if len(wrappers) != 1:
        return names
    return {
        name.relative_to(wrappers[0]): info
        for name, info in names.items()
        if name.is_relative_to(wrappers[0])
    }


@dataclass(slots=True)
class Importer:
    """Imports one archive. Killed and started again, it goes on at the first file that is not stored."""

    db: Database
    intake: Intake

    async def run(self, archive: Archive, progress: Callable[[int, int], None]) -> ImportReport:
        """`progress(done, total)` counts day files. Raises Refused when the archive holds no channel."""
        report = archive.report
        folders = await self._channels(archive)
        report.people = await self._people(archive)
        days = [name for name in sorted(archive.names) if len(name.parts) == 2]
        if not folders or not days:
            raise Refused(
                "The archive holds no channel folders with messages. Expected a standard Slack export:"
                " channels.json, users.json and one folder of YYYY-MM-DD.json files per channel."
            )
        done = await imports.done(self.db, archive.identity)
        chunks = _chunks(archive, days, folders, done)
        chunk = next(chunks, None)
        while chunk is not None:
            async with asyncio.TaskGroup() as group:
                # The next one is read while PostgreSQL is busy with this one.
                following = group.create_task(asyncio.to_thread(next, chunks, None))
                await self._store(archive, chunk)
            progress(chunk.at, len(days))
            chunk = following.result()
        await Search(self.db).analyze()
        return report

    async def _store(self, archive: Archive, chunk: _Chunk) -> None:
        if chunk.events:
            archive.report.stored += await self.intake.record_history(chunk.events, onboard=False)
        if chunk.files:
            await imports.mark_done(self.db, archive.identity, chunk.files)

    async def _channels(self, archive: Archive) -> dict[str, tuple[str, ChannelKind]]:
        """Folder name → channel id and kind, of every list in the archive."""
        folders: dict[str, tuple[str, ChannelKind]] = {}
        for file, kind in LISTS.items():
            for row in archive.rows(PurePosixPath(file)) or ():
                channel = parse_channel(row)
                if channel is None or len(channel.id) > MAX_ID:
                    archive.report.problem(file, "channel without an id")
                    continue
                folder = str(row.get("id") if kind == "im" else row.get("name") or row.get("id"))
                folders[folder] = (channel.id, kind)
                await self._remember(channel, kind)
        archive.report.channels = len(folders)
        return folders

    async def _remember(self, channel: Channel, kind: ChannelKind) -> None:
        """An export knows nothing newer than what Slack itself told us."""
        if await Channels(self.db).get(channel.id) is None:
            await Channels(self.db).upsert(
                Channel(channel.id, channel.name, kind, member=False, archived=channel.archived)
            )

    async def _people(self, archive: Archive) -> int:
        people = [
            person
            for row in archive.rows(PurePosixPath("users.json")) or ()
            if (person := _person(row)) is not None
        ]
        for start in range(0, len(people), BATCH):
            await Channels(self.db).upsert_people(people[start : start + BATCH])
        return len(people)


@dataclass(slots=True)
class _Chunk:
    """What is stored in one transaction: of many small files, or a part of a large one.

    `files`: those that are complete with it, and their messages. `at`: day files read so far.
    """

    events: list[MessageEvent] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    at: int = 0


def _chunks(
    archive: Archive,
    days: Sequence[PurePosixPath],
    folders: Mapping[str, tuple[str, ChannelKind]],
    done: Collection[str],
) -> Iterator[_Chunk]:
    report, chunk = archive.report, _Chunk()
    for number, name in enumerate(days, 1):
        if str(name) in done:
            report.resumed += 1
        elif (folder := folders.get(name.parts[0])) is None:
            report.problem(str(name), "folder of no listed channel")
        elif (rows := archive.rows(name)) is not None:
            # One that cannot be read is not marked as done: the same archive may be whole next time.
            for events in _events(rows, folder, report):
                chunk.events += events
                if len(chunk.events) >= BATCH:
                    yield chunk
                    chunk = _Chunk(at=number - 1)
            report.files += 1
            chunk.files[str(name)] = len(rows)
        chunk.at = number
    yield chunk


def _events(
    rows: Sequence[dict[str, Any]], folder: tuple[str, ChannelKind], report: ImportReport
) -> Iterator[list[MessageEvent]]:
    """Each message with its reactions."""
    for row in rows:
        report.read += 1
        event = parse_stored_message(*folder, row, NOBODY)
        if isinstance(event, Ignored):
            report.skip(event.reason)
            continue
        yield [event, *reactions_on(event)]


def _person(row: Mapping[str, Any]) -> Person | None:
    profile = row.get("profile") if isinstance(row.get("profile"), dict) else {}
    assert isinstance(profile, dict)
    if not isinstance(row.get("id"), str) or len(row["id"]) > MAX_ID:
        return None
    name = next(
        (
            value
            for value in (
                profile.get("display_name"),
                profile.get("real_name"),
                row.get("real_name"),
                row.get("name"),
            )
            if isinstance(value, str) and value
        ),
        row["id"],
    )
    email = profile.get("email")
    return Person(
        clean_text(row["id"]),
        clean_text(name),
        clean_text(email) if isinstance(email, str) else None,
        bot=row.get("is_bot") is True,
    )
