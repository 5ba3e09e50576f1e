"""A usage report as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ratchet.domain.reports import ModelCalls
from ratchet.reports.channel_text import code, count
from ratchet.reports.usage import Said, UsageReport

SHOWN: Final = 8


def markdown(report: UsageReport) -> str:
    """The report as standard Markdown."""
    period = "24 hours" if report.days == 1 else f"{report.days} days"
    if not report.messages and not report.total.turns:
        return f"Ratchet said nothing in {period}, and asked no model."
    parts = [
        f"**{count(report.messages, 'message')}** in {period}, {_cost(report.total)}.",
        _said("By module", report.modules, {}),
        _said("By channel", report.channels, {one.name: report.name(one.name) for one in report.channels}),
        _calls(report),
        _decided(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _cost(total: ModelCalls) -> str:
    if not total.turns:
        return "no model was asked"
    return f"{count(total.turns, 'turn')} with a model, **{money(total)}**"


def money(calls: ModelCalls) -> str:
    """What is known of the cost."""
    if calls.turns and calls.unpriced == calls.turns:
        return "price not known"
    cost = f"${calls.cost_usd:,.{2 if calls.cost_usd >= 1 else 4}f}"
    return f"{cost} and {count(calls.unpriced, 'turn')} of unknown price" if calls.unpriced else cost


def _said(title: str, rows: Sequence[Said], names: Mapping[str, str]) -> str:
    if not rows:
        return ""
    head = [f"| {title.lower()} | messages | 👍 | 👎 |", "|---|--:|--:|--:|"]
    lines = [
        f"| {code(names.get(row.name, row.name))} | {row.messages} | {row.up} | {row.down} |"
        for row in rows[:SHOWN]
    ]
    return "\n".join([*head, *lines, *_rest(rows)])


def _rest(rows: Sequence[object]) -> list[str]:
    return [f"\n_and {len(rows) - SHOWN} more_"] if len(rows) > SHOWN else []


def _calls(report: UsageReport) -> str:
    if not report.total.turns:
        return ""
    head = [
        "| model turns | turns | failed | requests | tokens in | out | cost | p50 | p95 |",
        "|---|" + "--:|" * 8,
    ]
    lines = [
        _line("all", report.total),
        *(_line(one.name or "other", one) for one in report.purposes[:SHOWN]),
    ]
    models = ", ".join(f"{code(one.name)} {one.turns}" for one in report.models[:SHOWN])
    errors = ", ".join(f"{code(kind)} {count}" for kind, count in report.errors.items())
    tail = [f"\nModels: {models}." + (f" Errors: {errors}." if errors else "")]
    return "\n".join([*head, *lines, *tail])


def _line(name: str, calls: ModelCalls) -> str:
    cells = [
        code(name),
        f"{calls.turns}",
        f"{calls.failed}",
        f"{calls.requests}",
        f"{calls.input_tokens:,}",
        f"{calls.output_tokens:,}",
        money(calls),
        _seconds(calls.seconds_p50),
        _seconds(calls.seconds_p95),
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def _decided(report: UsageReport) -> str:
    said = []
    if report.approvals:
        said.append(f"Approvals: {_listed(report.approvals)}.")
    if report.runbooks or report.pinned:
        kept = f"Runbooks written: {_listed(report.runbooks)}" if report.runbooks else "No new runbook"
        said.append(f"{kept}; {report.pinned} pinned.")
    return " ".join(said)


def _listed(counts: Mapping[str, int]) -> str:
    names = {"model": "by a model", "person": "by people"}
    return ", ".join(f"{count} {names.get(name, name)}" for name, count in counts.items())
