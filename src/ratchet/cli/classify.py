"""`ratchet classify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ratchet import alerts
from ratchet.domain.errors import Refused
from ratchet.settings import load, rules_in


@dataclass(frozen=True, slots=True)
class Options:
    """`rules` None: the file of the settings, if there is one."""

    as_json: bool = False
    explain: bool = False
    rules: Path | None = None


def run(names: list[str], options: Options) -> None:
    """Print what each message of the files means; `-` is standard input. Raises Refused, Misconfigured."""
    rules = rules_in(options.rules) if options.rules else load().rules
    many = len(names) > 1
    for name in names:
        for message in alerts.messages_of(_document(name)):
            if options.explain:
                _explain(alerts.explain(message, rules=rules), name if many else "", as_json=options.as_json)
                continue
            answer = alerts.to_json(alerts.classify(message, rules=rules))
            if options.as_json:
                typer.echo(json.dumps({"file": name, **answer} if many else answer, ensure_ascii=False))
            else:
                typer.echo(f"{name}: {_line(answer)}" if many else _line(answer))


def _document(name: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{name} cannot be read: {error}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} is not JSON: {error}") from error
    if isinstance(document, list):
        return {"messages": document}
    if not isinstance(document, dict):
        raise Refused(f"{name} holds {type(document).__name__}, not a message object")
    return document


def _line(answer: dict[str, Any]) -> str:
    if answer["action"] == "none":
        return f"none (rule {answer['rule'] or '-'})"
    return (
        f"{answer['action']}: {answer['alert'] or 'unnamed'} on {answer['service'] or 'no service'},"
        f" {answer['priority']} – {answer['tool']}, {answer['rule']}, confidence {answer['confidence']:.2f}"
    )


def _explain(found: alerts.Explanation, name: str, *, as_json: bool) -> None:
    if as_json:
        values = found.to_json()
        typer.echo(json.dumps({"file": name, **values} if name else values, ensure_ascii=False))
        return
    typer.echo("\n".join(_described(found, name)))


def _described(found: alerts.Explanation, name: str) -> Iterator[str]:
    if name:
        yield f"== {name}"
    yield f"answer    {_line(alerts.to_json(found.answer))}"
    yield f"priority  {found.priority}"
    yield f"sender    {found.identity}"
    yield "text"
    for line in found.text.splitlines():
        yield f"  | {line}"
    if found.steps:
        yield "asked"
    passed: list[str] = []
    for step in found.steps:
        if step.kind == "parser" and step.outcome == "no match":
            passed.append(step.name)
            continue
        yield f"  {step.kind} {step.name.removeprefix('rule ')}: {step.outcome}"
        for evidence in step.evidence:
            yield f"      {evidence.what}: {evidence.words}"
    if passed:
        yield f"  parsers that do not know it: {', '.join(passed)}"
    if found.asks:
        yield "undecided: where RATCHET_ALERT_MODEL lets it, the model is asked about the template"
        yield f"  | {found.asks}"
    yield ""
