"""`ratchet search`, as one types it."""

from __future__ import annotations

import json
from pathlib import Path

from ratchet.documents.base import File
from ratchet.documents.parse import document
from ratchet.store.documents import Documents
from ratchet.store.pool import Database
from tests.integration.cli.test_report import ratchet
from tests.integration.store.search_support import OTHER, SECRET, fill, message, stamp

PAGE = "# Deploys of payments\n\nRoll a failed deploy back with `deploy undo`."


async def recorded(database: Database) -> None:
    await fill(
        database,
        [
            message(1, "the deploy of payments failed", channel=OTHER),
            message(2, "someone tried the vault password", channel=SECRET),
        ],
    )
    documents = Documents(database)
    await documents.begin("wiki", "directory")
    await documents.put("wiki", document(File("deploys.md", "1", PAGE)))


async def test_messages_and_documents_are_found(database: Database, conninfo: str, tmp_path: Path) -> None:
    await recorded(database)
    code, output, errors = await ratchet(conninfo, tmp_path, "search", "failed deploy")
    assert code == 0, errors
    assert "#payments · ana · 2023-11-14 22:13 UTC" in output
    assert "the deploy of payments failed" in output
    assert f"/archives/{OTHER}/p{stamp(1).replace('.', '')}" in output
    assert "Deploys of payments" in output
    assert "wiki/deploys.md" in output


async def test_one_kind_as_json_and_narrowed(database: Database, conninfo: str, tmp_path: Path) -> None:
    await recorded(database)

    async def found(*arguments: str) -> tuple[list[str], list[str]]:
        code, output, errors = await ratchet(conninfo, tmp_path, "search", *arguments, "--json")
        assert code == 0, errors
        values = json.loads(output)
        return [hit["ts"] for hit in values["messages"]], [hit["path"] for hit in values["documents"]]

    assert await found("deploy failed", "--messages") == ([stamp(1)], [])
    assert await found("deploy failed", "--docs", "--limit", "3") == ([], ["deploys.md"])
    assert await found("vault deploy", "--channel", "#security", "--from", "@ana") == ([stamp(2)], [])
    assert await found("vault deploy", "--since", "30d") == ([], [])


async def test_what_is_not_known_is_refused(database: Database, conninfo: str, tmp_path: Path) -> None:
    for arguments, said in (
        (("--channel", "nowhere"), "no channel 'nowhere' is recorded"),
        (("--from", "nobody"), "nobody recorded is called 'nobody'"),
        (("--since", "soon"), "neither a date"),
        (("--docs", "--channel", "x"), "documents have no --channel"),
    ):
        code, _, errors = await ratchet(conninfo, tmp_path, "search", "deploy", *arguments)
        assert code in (1, 2)
        assert said in errors
