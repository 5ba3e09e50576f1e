"""`ratchet classify`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from ratchet import alerts
from ratchet.domain.errors import Refused


def run(name: str, *, as_json: bool, many: bool) -> None:
    """Print one line per message of the file, or of standard input for `-`. Raises Refused."""
    for answer in map(alerts.to_json, alerts.judge(_document(name))):
        if as_json:
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
