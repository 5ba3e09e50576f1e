"""`ratchet capture`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from ratchet import alerts
from ratchet.alerts.redaction import redact
from ratchet.app import open_store
from ratchet.domain.errors import Refused
from ratchet.domain.messages import MessageRef
from ratchet.llm.redact import redact as without_secrets
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.messages import Messages
from ratchet.store.reclassify import names_of_people

# The judgement, as far as an example states it.
JUDGED: Final = ("action", "alert", "service", "priority", "severity", "count", "tool", "rule")
_TS: Final = re.compile(r"\d{10}\.\d{6}")
_LINK: Final = re.compile(r"/p(\d{10})(\d{6})(?:\?|$)")


async def run(settings: Settings, channel: str, ts: str, output: Path | None) -> None:
    """Write the fixture. Raises Refused when there is no such message, or the file cannot be written."""
    stamp = _stamp(ts)
    async with open_store(settings) as store:
        found = await Channels(store.db).find(channel)
        if found is None:
            raise Refused(
                f"No channel {channel} is recorded. Its id, C…, is at the end of its details in Slack."
            )
        message = await Messages(store.db).get(MessageRef(found.id, stamp))
        if message is None:
            raise Refused(f"No message {stamp} is recorded in channel {channel}.")
        names = await names_of_people(store.db)
    judged = alerts.to_json(alerts.classify(message.payload, channel=found.id, rules=settings.rules))
    document = fixture(message.payload, names, settings.rules, found.id)
    if any(document["_expected"][key] != judged[key] for key in ("action", "tool")):
        typer.echo("ratchet: redacted, the message is judged differently; say so in your report.", err=True)
    _write(json.dumps(document, indent=1, ensure_ascii=False) + "\n", output)


def fixture(
    payload: Mapping[str, Any], names: list[str], rules: alerts.Rulebook = alerts.NO_RULES, channel: str = ""
) -> dict[str, Any]:
    """The redacted message and what the rules say about it now. `channel`: where it was, for the rules."""
    redacted = redact(payload, names=names, secrets=without_secrets)
    judged = alerts.to_json(alerts.classify(redacted, channel=channel, rules=rules))
    return {
        "_source": "captured by `ratchet capture`",
        "_confidence": "captured",
        "_note": "Redacted. _expected is the present judgement: put right what is wrong in it.",
        "_expected": {key: judged[key] for key in JUDGED},
        "payload": redacted,
    }


def _stamp(ts: str) -> str:
    if link := _LINK.search(ts):
        return f"{link[1]}.{link[2]}"
    if not _TS.fullmatch(ts):
        raise Refused(f"{ts} is no ts such as 1700000000.000100, nor a link to a message.")
    return ts


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise Refused(f"{output} cannot be written: {error.strerror}") from error
    typer.echo(f"{output} is written. Read it before you send it to anybody.", err=True)
