"""`ratchet model`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from ratchet.app import chosen_models
from ratchet.cli.embedding import check_embedding, said
from ratchet.llm.check import Check, ModelReport, check_model
from ratchet.llm.config import OLLAMA_URL, ModelConfig
from ratchet.llm.fallback import open_models
from ratchet.llm.prices import Price
from ratchet.llm.pull import Pull, Step
from ratchet.settings import Settings

NONE = (
    "No language model is configured, and no Ollama with a chat model answers at " + OLLAMA_URL + ". Ratchet"
    " works without one, by quotes. To use one: ratchet model pull, or set RATCHET_MODELS; docs/models.md."
)


async def check(settings: Settings, *, as_json: bool) -> None:
    """Print what works with each model. Exit status 1 when something does not, or there is no model."""
    embedding = await check_embedding(settings)
    configs = await chosen_models(settings)
    models = open_models(configs) if configs else None
    reports = [await check_model(candidate) for candidate in models.candidates] if models else []
    if models is not None:
        await models.aclose()
    if as_json:
        values = {"models": [_values(report) for report in reports], "embedding": asdict(embedding)}
        typer.echo(json.dumps(values, indent=2))
    elif not reports:
        typer.echo(NONE)
    else:
        _print(reports)
    if not as_json:
        typer.echo(said(embedding))
    if not reports or not embedding.ok or not all(report.ok for report in reports):
        raise typer.Exit(1)


def _print(reports: Sequence[ModelReport]) -> None:
    console = Console()
    for report in reports:
        table = Table(title=f"{report.provider}:{report.model} at {report.place}", title_justify="left")
        for name in ("what", "works", "seconds", ""):
            table.add_column(name, overflow="fold")
        for one in report.checks:
            seconds = "" if one.seconds is None else f"{one.seconds:.2f}"
            table.add_row(one.what, _word(one), seconds, " ".join(filter(None, (one.detail, one.remedy))))
        table.add_row("context window", "", "", f"{report.context_window or 'unknown'}")
        table.add_row("price", "", "", _price_text(report))
        console.print(table)


def _word(one: Check) -> str:
    return {True: "yes", False: "[bold red]no[/]", None: "–"}[one.ok]


def _price_text(report: ModelReport) -> str:
    if report.price is None:
        return (
            "unknown: no cost is shown and no limit in dollars holds. Set"
            f" RATCHET_MODEL_PRICES={report.model}=IN/OUT, in US dollars per million tokens."
        )
    return f"{_dollars(report.price.input)} in, {_dollars(report.price.output)} out, per million tokens"


def _dollars(amount: Decimal) -> str:
    return f"${amount.normalize():f}"


def _values(report: ModelReport) -> dict[str, object]:
    return {
        "model": report.model,
        "provider": report.provider,
        "place": report.place,
        "ok": report.ok,
        "checks": {
            one.what: {
                "ok": one.ok,
                "seconds": one.seconds,
                "detail": one.detail or None,
                "remedy": one.remedy or None,
            }
            for one in report.checks
        },
        "context_window": report.context_window,
        "usd_per_million_tokens": _price_values(report.price),
    }


def _price_values(price: Price | None) -> dict[str, float] | None:
    return None if price is None else {"input": float(price.input), "output": float(price.output)}


@dataclass(slots=True)
class Bars:
    """A bar for each file of the download."""

    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)
    said: str = ""

    def show(self, step: Step) -> None:
        if step.digest is None or step.total is None:
            if step.status != self.said:
                self.progress.console.print(step.status, highlight=False)
            self.said = step.status
            return
        if step.digest not in self.tasks:
            name = step.digest.removeprefix("sha256:")[:12]
            self.tasks[step.digest] = self.progress.add_task(name, total=step.total)
        self.progress.update(self.tasks[step.digest], completed=step.done or 0, total=step.total)


async def pull(settings: Settings, name: str | None, url: str | None) -> None:
    """Download a model into Ollama. Raises Refused, Transient."""
    model, place = _wanted(settings, name, url)
    console = Console()
    console.print(f"{model} from Ollama at {place}", highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as progress:
        await Pull(place, model, Bars(progress).show).run()
    console.print(f"{model} is there. What it can do: ratchet model check", highlight=False)


def _wanted(settings: Settings, name: str | None, url: str | None) -> tuple[str, str]:
    """The model and the base of Ollama's own API: as named, else the first of RATCHET_MODELS at Ollama."""
    listed = [model for model in settings.language_models if model.provider == "ollama"]
    first = listed[0] if listed else ModelConfig(f"{OLLAMA_URL}/v1", settings.openai_model, provider="ollama")
    return name or first.model, url or first.url.removesuffix("/").removesuffix("/v1")
