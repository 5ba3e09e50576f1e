"""Prometheus Alertmanager: the default template, and custom ones by the fallback that they leave alone.

https://github.com/prometheus/alertmanager/blob/main/template/default.tmpl
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ratchet.alerts.flattening import readable
from ratchet.alerts.guess import (
    looks_like_alert,
    service_among,
    service_in_whole_set,
    severity_among,
    split_name,
)
from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import make_key, same_text
from ratchet.alerts.labels import Labels, first, named_labels, service_of
from ratchet.alerts.view import Attachment, View, plain
from ratchet.alerts.words import duration_s, from_first_word, timestamp, without_emoji
from ratchet.domain.incidents import Action, IncidentAction

BRACKET = re.compile(
    r"^(?:\[(?P<front>[\w .-]{1,30})\]\s*)?\[\s*(?:(?P<site>[\w .:-]{1,40}?)[ |-])?(?P<word>FIRING|RESOLVED)"
    r"(?:\s?:\s?(?P<count>\d+))?"
    r"(?:\s?[,|/;]\s?(?:FIRING|RESOLVED)(?::\d+)?)*(?:\s[^\]]{0,40})?\]\s?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
MAX_TITLE = 2000
_DEFAULT_TAIL = re.compile(r"\s?\|\s?<?https?://\S+$")
_RECEIVER = re.compile(r"#/alerts\?receiver=([^&\s|>]+)")
_LINK_AT_END = re.compile(r"\s\(https?://\S+\)$")
_NAMED = re.compile(r"\w+=[\"“]")
_SEPARATOR = re.compile(r"\s(?:-|–|—|\||@|for|on)\s|:\s")
_STARTED = re.compile(r"start(?:s|ed)?[ _]?(?:at)?\W{1,6}(\S[^\n]{6,60})", re.IGNORECASE)
_LASTED = re.compile(r"\bduration\W{1,6}([\d.]+(?:ns|[uµm]?s|[hmd])[\d.smhdnuµ ]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Group:
    """A title in brackets taken apart. `common` is None when there are no parentheses."""

    action: Action
    count: int | None
    prefix: str
    common: tuple[str, ...] | None
    named: bool
    site: str = ""


def parse(view: View) -> IncidentAction | None:
    """Every attachment is a notification; firing beats resolved when one post holds both."""
    answers = [one for one in _answers(view) if one is not None]
    firing = [one for one in answers if one.action is Action.OPEN]
    return next(iter(firing or answers), None)


def _answers(view: View) -> Iterator[IncidentAction | None]:
    for attachment in view.attachments:
        yield _attachment(view, attachment)
    if not view.attachments and (group := read_group(view.text) or _in_blocks(view)):
        yield _grouped(view, group, "", named_labels(view))


def _in_blocks(view: View) -> Group | None:
    return next((group for group in map(read_group, view.blocks[:3]) if group), None)


def _attachment(view: View, attachment: Attachment) -> IncidentAction | None:
    receiver = _RECEIVER.search(attachment.link) or _RECEIVER.search(attachment.fallback)
    group = _group_of(attachment)
    if group is None and receiver is None:
        return None
    labels = named_labels(view)
    if group is None:
        return _by_colour(view, attachment, receiver[1] if receiver else "", labels)
    return _grouped(view, group, receiver[1] if receiver else "", labels)


def _group_of(attachment: Attachment) -> Group | None:
    """The default fallback first: it keeps its form when title and text are the operator's own."""
    if (
        "|" in attachment.fallback
        and _DEFAULT_TAIL.search(attachment.fallback)
        and (group := read_group(attachment.fallback))
    ):
        return group
    tops = (
        attachment.title,
        attachment.pretext,
        attachment.text,
        *attachment.blocks[:2],
        attachment.fallback,
    )
    return next((group for group in map(read_group, tops) if group), None)


def read_group(text: str) -> Group | None:
    """`[FIRING:2] Name a b (c d)` taken apart; None when the text does not begin so."""
    if "[" not in text[:60]:
        return None
    line = text.lstrip().partition("\n")[0][:MAX_TITLE].replace("*", "")
    found = BRACKET.match(from_first_word(readable(line)))
    if not found:
        return None
    rest = found["rest"]
    rest = (_DEFAULT_TAIL.sub("", rest) if "|" in rest else rest).strip(" _")
    # A title is at times a link: `[FIRING:1] <url|Name>` reads `Name (url)`.
    rest = _LINK_AT_END.sub("", rest)
    prefix, common = _parentheses(rest)
    firing = "FIRING" in found[0][: found.start("rest")].upper()
    named = common is not None and _NAMED.search(common) is not None
    return Group(
        action=Action.OPEN if firing else Action.CLOSE,
        count=int(found["count"]) if found["count"] and len(found["count"]) < 7 else None,
        prefix=without_emoji(prefix).strip(" -–|:*_`"),
        common=None if common is None else tuple(common.split()),
        named=named,
        site=found["site"] or found["front"] or "",
    )


def _parentheses(rest: str) -> tuple[str, str | None]:
    """What stands before the parentheses at the end, and in them: the value of a label may hold some too."""
    at = _opening(rest) if rest.endswith(")") else -1
    if at < 0 or (at and rest[at - 1] != " "):
        return rest, None
    return rest[:at].rstrip(), rest[at + 1 : -1]


def _opening(text: str) -> int:
    """Where the parenthesis opens that the last character closes; the first after a blank when none does."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            return at
    return text.find(" (") + 1 or -1


def _grouped(view: View, group: Group, receiver: str, labels: Labels) -> IncidentAction:
    alert, service, severity = _names(group)
    named = first(labels, "alertname", "alert_name")
    if named and (len(labels.get("alertname", ())) <= 1 or not alert):
        alert = named
    severity = first(labels, "severity") or severity or first(labels, "priority", "level")
    return IncidentAction(
        group.action,
        alert=alert,
        service=service_of(labels) or service,
        severity=severity,
        pair_key=make_key(view, "alertmanager", receiver, group.site, group.prefix),
        count=group.count,
        stated_start=_start(view),
        stated_duration_s=_lasted(view),
        tool="alertmanager",
        confidence=0.98 if receiver else 0.9,
        rule="alertmanager bracket",
    )


def _names(group: Group) -> tuple[str | None, str | None, str | None]:
    """Alert, service and severity out of unnamed values."""
    if group.common is None or group.named:
        return _loose_names(group)
    alert, rest = split_name(group.prefix)
    common = list(group.common)
    if alert is None and common and looks_like_alert(common[0]):
        alert, common = common[0], common[1:]
    at = severity_among(common)
    values = common if at is not None else rest
    at = severity_among(values)
    return alert, service_among(rest, common), values[at] if at is not None else None


def _loose_names(group: Group) -> tuple[str | None, str | None, str | None]:
    """No list of unnamed values: `Name`, `Name for service`, `Name - service`, or every value in a row."""
    parts = [part.strip() for part in _SEPARATOR.split(group.prefix) if part.strip()]
    if len(parts) > 1:
        return _separated(group, parts)
    alert, rest = split_name(group.prefix)
    if alert is None:
        alert = group.prefix if " " in group.prefix and severity_among(rest) is None else None
        rest = [] if alert else rest
    at = severity_among(rest)
    return alert, service_in_whole_set(rest), rest[at] if at is not None else None


def _separated(group: Group, parts: list[str]) -> tuple[str | None, str | None, str | None]:
    alert = next((part for part in parts if looks_like_alert(part) and " " not in part), None)
    if alert is None:
        return group.prefix, None, None
    others = [word for part in parts if part != alert for word in part.split()]
    at = severity_among(others)
    return alert, service_in_whole_set(others), others[at] if at is not None else None


def _by_colour(view: View, attachment: Attachment, receiver: str, labels: Labels) -> IncidentAction | None:
    """Title and fallback are both the operator's own: only the link says who, only the colour what."""
    action = _worded(attachment) or by_colour(attachment.colour)
    if action is None and attachment.colour == "daa038":
        action = Action.OPEN
    if action is None:
        return None
    title = plain(attachment.title.strip().partition("\n")[0])
    alert = first(labels, "alertname", "alert_name", "alert") or without_emoji(title)
    service = service_of(labels)
    return IncidentAction(
        action,
        alert=alert,
        service=service,
        severity=first(labels, "severity", "priority", "level"),
        pair_key=make_key(view, "alertmanager", receiver, "", same_text(alert) or alert, service),
        stated_start=_start(view),
        stated_duration_s=_lasted(view),
        tool="alertmanager",
        confidence=0.7,
        rule="alertmanager link and colour",
    )


_WORD = re.compile(r"\b(firing|resolved)\b", re.IGNORECASE)


def _worded(attachment: Attachment) -> Action | None:
    for text in (attachment.title, attachment.pretext, attachment.fallback):
        if found := _WORD.search(text):
            return Action.OPEN if found[1].lower() == "firing" else Action.CLOSE
    return None


def _start(view: View) -> datetime | None:
    found = _STARTED.search(view.raw) if "tart" in view.raw else None
    return timestamp(found[1]) if found else None


def _lasted(view: View) -> float | None:
    found = _LASTED.search(plain_lines(view.raw)) if "uration" in view.raw else None
    return duration_s(found[1].strip()) if found else None


def plain_lines(text: str) -> str:
    return text.replace("*", "").replace("`", "")
