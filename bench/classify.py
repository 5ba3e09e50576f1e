"""`classify`: what one message costs to flatten and to understand. Pure computing, one thread."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.corpus import ALERTS, SERVICES, Corpus, alertmanager
from bench.report import Report
from localslack.model import Json
from ratchet import alerts

REPEATS = 5


async def run(directory: Path, *, quick: bool) -> Report:
    count = 500 if quick else 5_000
    report = Report("classify", f"{count:,} messages of each kind, median of {REPEATS} rounds")
    kinds = {
        "a person's text": human(count),
        "Alertmanager, default template": default_template(count),
        "Alertmanager, a list of labels": labels(count),
        "Grafana": grafana(count),
    }
    for kind, payloads in kinds.items():
        texts = [alerts.flatten(payload) for payload in payloads]
        report.add(f"flatten · {kind}", timed(alerts.flatten, payloads), "µs")
        pairs = list(zip(payloads, texts, strict=True))
        report.add(f"classify · {kind}", timed(lambda pair: alerts.classify(*pair), pairs), "µs")
        found = {alerts.classify(*pair).action.value for pair in pairs}
        report.raw[kind] = sorted(found)
    return report


def timed(function: Callable[[Any], object], values: Sequence[Any]) -> float:
    """Microseconds of CPU per call."""
    rounds = []
    for _ in range(REPEATS):
        began = time.process_time()
        for value in values:
            function(value)
        rounds.append((time.process_time() - began) / len(values) * 1e6)
    return median(rounds)


def human(count: int) -> list[Json]:
    corpus = Corpus(alert_share=0)
    return [corpus.next("C1", float(number)) for number in range(1_700_000_000, 1_700_000_000 + count)]


def _named(count: int) -> list[tuple[str, str, bool]]:
    dice = random.Random(7)
    return [(dice.choice(ALERTS), dice.choice(SERVICES), dice.random() < 0.5) for _ in range(count)]


def _bot(payload: Json) -> Json:
    return {"type": "message", "subtype": "bot_message", "bot_id": "B1", "ts": "1700000000.000100", **payload}


def default_template(count: int) -> list[Json]:
    return [
        _bot(alertmanager(alert, service, f"{service}-{number}:9100", firing=firing))
        for number, (alert, service, firing) in enumerate(_named(count))
    ]


def labels(count: int) -> list[Json]:
    found = []
    for number, (alert, service, firing) in enumerate(_named(count)):
        payload = alertmanager(alert, service, f"10.2.3.{number % 250}:8080", firing=firing)
        payload["attachments"][0]["text"] = "\n".join(
            f"• *{name}:* `{value}`"
            for name, value in {
                "alertname": alert,
                "service": service,
                "severity": "critical",
                "namespace": "shop",
                "pod": f"{service}-7d9f8c6b5-{number:05x}",
                "description": "The share of failing requests is above 5 % for ten minutes.",
                "runbook": f"https://docs.example.com/runbooks/{alert}",
            }.items()
        )
        found.append(_bot(payload))
    return found


def grafana(count: int) -> list[Json]:
    found = []
    for number, (alert, service, firing) in enumerate(_named(count)):
        status, word = ("[FIRING:1]", "Firing") if firing else ("[RESOLVED]", "Resolved")
        text = (
            f"**{word}**\n\nValue: A={number % 100 / 100}, C=1\nLabels:\n - alertname = {alert}\n"
            f" - service = {service}\n - grafana_folder = Shop\nAnnotations:\n - summary = Too high\n"
            f"Source: https://grafana.example.com/alerting/grafana/g{number:06x}/view?orgId=1\n"
            f"Silence: https://grafana.example.com/alerting/silence/new?alertmanager=grafana\n"
        )
        attachment = {
            "id": 1,
            "title": f"{status} {alert} Shop ({service} high)",
            "title_link": "https://grafana.example.com/alerting/list",
            "text": text,
            "fallback": f"{status} {alert} Shop ({service} high)",
            "color": "D63232" if firing else "36a64f",
            "footer": "Grafana v11.2.0",
        }
        found.append(_bot({"username": "Grafana", "attachments": [attachment]}))
    return found
