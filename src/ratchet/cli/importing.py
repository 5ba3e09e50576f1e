"""`ratchet import`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ratchet.app import classifier_of, open_store
from ratchet.pipeline.importer import Importer, ImportReport, open_archive
from ratchet.pipeline.intake import Intake
from ratchet.settings import Settings


async def run(settings: Settings, path: Path, *, as_json: bool) -> None:
    """Import and print what was stored and what was skipped. Raises Refused, Misconfigured."""
    archive = open_archive(path)
    columns = (
        TextColumn("Importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        TimeRemainingColumn(),
    )
    async with open_store(settings) as store:
        importer = Importer(store.db, Intake(store.db, store.queue, classifier_of(settings)))
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("import", total=None)
            report = await importer.run(
                archive, lambda done, total: progress.update(bar, completed=done, total=total)
            )
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else describe(report))


def describe(report: ImportReport) -> str:
    """The report for a person."""
    lines = [
        f"{report.stored:,} messages stored or updated, of {report.read:,} read"
        f" in {report.files:,} files ({report.channels} channels, {report.people} people)."
    ]
    if report.resumed:
        lines.append(f"{report.resumed:,} files were imported before and were passed over.")
    skipped = {reason: count for reason, count in sorted(report.skipped.items()) if count}
    if skipped:
        lines.append("Left out: " + ", ".join(f"{count:,} × {reason}" for reason, count in skipped.items()))
    lines += [f"  {problem}" for problem in report.problems]
    return "\n".join(lines)
