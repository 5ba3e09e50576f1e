"""Sentry: issue alerts, which only a person's click resolves, and metric alerts, resolved in the thread.

https://docs.sentry.io/organization/integrations/notification-incidents/slack/
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import epoch, without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_METRIC = re.compile(r"^\W*(Critical|Warning|Resolved):\s*(.+)", re.IGNORECASE)
_METRIC_LINK = re.compile(
    r"sentry[^\s]*/(?:alerts/rules/details|organizations/[\w-]+/alerts)/([\w-]+)/?(?:\?(?:.*&)?alert=(\d+))?"
)
_BRACKET = re.compile(r"^\[([\w.-]+)\]\s+(.+)")
_PROJECT = re.compile(r"Project:\s*(?:<[^|>]*\|([^<>]+)>|([\w.-]+))")
_LEVEL = re.compile(r"\blevel:\s*`?(\w+)`?")
_EMOJI_LEVEL = {":red_circle:": "error", ":large_orange_circle:": "warning", ":large_blue_circle:": "info"}
_DONE = re.compile(
    r"Issue (resolved|archived|ignored|deleted)\b|^\W*Resolved by\b", re.IGNORECASE | re.MULTILINE
)
_STARTED = re.compile(r"Started:?\W*<!date\^(\d+)")
_SHORT = re.compile(r"Short ID:\s*\*?([\w-]+)")


def parse(view: View) -> IncidentAction | None:
    if "sentry" not in view.name and not view.linked("sentry"):
        return None
    return _metric(view) or _issue(view)


def _metric(view: View) -> IncidentAction | None:
    found = next((match for line in view.headlines if (match := _METRIC.match(line))), None)
    if not found or view.label_of("sentry", "/issues/"):
        return None
    word = found[1].lower()
    link = next((match for url in view.links if (match := _METRIC_LINK.search(url))), None)
    started = _STARTED.search(view.raw)
    name = re.sub(r"\s\(?https?://\S+$", "", found[2]).strip()
    return IncidentAction(
        Action.CLOSE if word == "resolved" else Action.OPEN,
        alert=name,
        severity=None if word == "resolved" else word,
        pair_key=make_key(view, "sentry", "metric", (link[2] or link[1]) if link else name),
        stated_start=epoch(started[1]) if started else None,
        tool="sentry",
        confidence=0.95,
        rule=f"sentry metric {word}",
    )


def _issue(view: View) -> IncidentAction | None:
    label = view.label_of("sentry", "/issues/")
    if not label and not view.linked("/issues/"):
        return None
    bracket = _BRACKET.match(plain(view.text))
    title = plain(label) if label else bracket[2] if bracket else without_emoji(view.headlines[0])
    project = _PROJECT.search(view.raw)
    short = _SHORT.search(view.raw)
    done = _DONE.search(view.flat)
    return IncidentAction(
        Action.CLOSE if done else Action.OPEN,
        alert=title,
        service=(project[1] or project[2]) if project else bracket[1] if bracket else _footer(view),
        severity=_level(view),
        pair_key=link_key(view) or (f"sentry:issue:{short[1]}" if short else None),
        tool="sentry",
        confidence=0.95,
        rule=f"sentry issue {done[1] or 'resolved'}".lower() if done else "sentry issue",
    )


def _level(view: View) -> str | None:
    if found := _LEVEL.search(view.raw):
        return found[1]
    return next((level for emoji, level in _EMOJI_LEVEL.items() if emoji in view.raw), None)


def _footer(view: View) -> str | None:
    """`CHECKOUT-1A2 via Send on new issue`: the project is the short id's head."""
    for one in view.attachments:
        if found := re.match(r"([A-Z][A-Z0-9_-]*)-[0-9A-Z]+\b", one.footer):
            return found[1].lower()
    return None
