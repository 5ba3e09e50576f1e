"""A channel report as Markdown: what to delete or fix first, within one Slack message. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ratchet.domain.incidents import SILENCE
from ratchet.reports.channel import AlertName, ChannelReport, Quality
from ratchet.reports.channel_alerts import AlertLine
from ratchet.reports.channel_cases import Case
from ratchet.reports.channel_times import duration

SHOWN_NOISE: Final = 5
SHOWN_ALERTS: Final = 8
SHOWN_ROWS: Final = 5
SHOWN_LONG: Final = 3
SHOWN_NAMES: Final = 6
MAX_NAME: Final = 60

# `(ts, root ts) -> permalink`; of a message that is no reply, both are the same.
Links = Callable[[str, str], str]


def markdown(report: ChannelReport, links: Links) -> str:
    """The report as standard Markdown."""
    if not report.total.opens and not report.still_open:
        return "\n\n".join(
            filter(None, [f"No incident opened in {_days(report)}, and none is open.", _quality(report)])
        )
    parts = [
        _headline(report),
        _noise(report.noise, links),
        _cases("Still open", report.still_open, links, report),
        _table(report.alerts),
        _changes(report, links),
        _long(report, links),
        _cases("Nobody wrote a word about", report.untriaged, links, report),
        _learned(report, links),
        _asked(report, links),
        _when(report),
        _quality(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _days(report: ChannelReport) -> str:
    return "24 hours" if report.days == 1 else f"{report.days} days"


def _headline(report: ChannelReport) -> str:
    now, before = report.total, report.before
    untouched = f"**{now.untouched_share:.0%} without a reply or reaction**"
    if before is not None:
        untouched += f" ({before.untouched_share:.0%} before)"
    counts = (
        f"**{count(now.opens, 'incident')}** in {_days(report)}{_change(report)}, "
        f"**{len(report.still_open)} still open**{_stale(report)}, {untouched}."
    )
    times = (
        f"Noticed: half within {duration(now.tta_p50_s)}, 95% within {duration(now.tta_p95_s)}. "
        f"Resolved: half within {duration(now.ttr_p50_s)}, 95% within {duration(now.ttr_p95_s)}. "
        f"{count(now.renotifications, 're-notification')}; {now.no_touch_share:.0%} closed untouched, "
        f"{now.self_healed_share:.0%} of all within 5 minutes."
    )
    return f"{counts}\n{times}"


def count(number: int, noun: str) -> str:
    """`1 hour`, `2 hours`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _change(report: ChannelReport) -> str:
    if report.before is None:
        return ""
    change = report.total.opens - report.before.opens
    against = f"{change:+} against" if change else "as many as in"
    return f" ({against} the {_days(report)} before)"


def _stale(report: ChannelReport) -> str:
    stale = len(report.stale())
    return f" ({stale} for over 72 h)" if stale else ""


def _noise(lines: Sequence[AlertLine], links: Links) -> str:
    if not lines:
        return ""
    shown = [
        f"{number}. {_alert(line.alert, line.service)} – {line.noise.cause}. {line.noise.suggestion}"
        f"{_latest(line, links)}"
        for number, line in enumerate(lines[:SHOWN_NOISE], 1)
        if line.noise is not None
    ]
    return "\n".join(["**Delete or fix first**", *shown, *_rest(lines, SHOWN_NOISE)])


def _latest(line: AlertLine, links: Links) -> str:
    return f" ([latest]({links(*line.latest)}))" if line.latest else ""


def _cases(title: str, cases: Sequence[Case], links: Links, report: ChannelReport) -> str:
    if not cases:
        return ""
    shown = (f"- {_case(case, links)}, since {_ago(case, report)}" for case in cases[:SHOWN_ROWS])
    return "\n".join([f"**{title}**", *shown, *_rest(cases, SHOWN_ROWS)])


def _case(case: Case, links: Links) -> str:
    name = _alert(case.incident.alert, case.incident.service)
    return f"{name} ([message]({links(case.ts, case.threads[0])}))"


def _ago(case: Case, report: ChannelReport) -> str:
    ago = duration((report.until - case.opened_at).total_seconds())
    return f"{case.opened_at:%a %Y-%m-%d %H:%M} UTC ({ago} ago)"


def _rest(rows: Sequence[object], shown: int) -> list[str]:
    return [f"- and {len(rows) - shown} more"] if len(rows) > shown else []


def _table(alerts: Sequence[AlertLine]) -> str:
    if not alerts:
        return ""
    head = "| alert | service | opened | repeated | untouched | noticed (half) | resolved (half) |"
    rows = (_row(line) for line in alerts[:SHOWN_ALERTS])
    more = len(alerts) - SHOWN_ALERTS
    rest = [f"\n_and {more} more alerts_"] if more > 0 else []
    return "\n".join([head, "|---|---|--:|--:|--:|--:|--:|", *rows, *rest])


def _row(line: AlertLine) -> str:
    found = line.figures
    cells = [
        code(line.title),
        code(line.service or "–"),
        str(found.opens),
        str(found.renotifications),
        str(found.untouched),
        duration(found.tta_p50_s),
        duration(found.ttr_p50_s),
    ]
    return f"| {' | '.join(cells)} |"


def _changes(report: ChannelReport, links: Links) -> str:
    new = _names(f"New, not in the {_days(report)} before", report.new, links)
    gone = _names(f"Gone since the {_days(report)} before", report.gone, None)
    return "\n".join(filter(None, [new, gone]))


def _names(title: str, names: Sequence[AlertName], links: Links | None) -> str:
    if not names:
        return ""
    shown = ", ".join(_name(one, links) for one in names[:SHOWN_NAMES])
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return f"**{title}**: {shown}{more}"


def _name(one: AlertName, links: Links | None) -> str:
    link = f" ([message]({links(one.ts, one.root_ts)}))" if links else ""
    return f"{_alert(one.alert, one.service)} × {one.opens}{link}"


def _long(report: ChannelReport, links: Links) -> str:
    over = [case for case in report.long_running if case.incident.state != "open"]
    if not over:
        return ""
    shown = ", ".join(
        f"{_case(case, links)} {duration(case.lasted_s(report.until))}" for case in over[:SHOWN_LONG]
    )
    more = f" and {len(over) - SHOWN_LONG} more" if len(over) > SHOWN_LONG else ""
    return f"**Open for over 4 h, and resolved**: {shown}{more}"


def _learned(report: ChannelReport, links: Links) -> str:
    if not report.learned:
        return ""
    shown = (
        f"- {_alert(one.alert, one.service)}: {code(one.fix) if one.fix else 'a change'} "
        f"([message]({links(one.ts, one.root_ts)}))"
        for one in report.learned[:SHOWN_ROWS]
    )
    return "\n".join(["**What helped**", *shown, *_rest(report.learned, SHOWN_ROWS)])


def _asked(report: ChannelReport, links: Links) -> str:
    if not report.asked_again:
        return ""
    shown = (
        f"- {_alert(one.alert, one.service)}, in {one.threads} threads: {code(one.text)} "
        f"([message]({links(one.ts, one.root_ts)}))"
        for one in report.asked_again[:SHOWN_LONG]
    )
    return "\n".join(["**Asked again and again** (worth a line in the runbook)", *shown])


def _when(report: ChannelReport) -> str:
    if not report.total.opens:
        return ""
    spent = report.hours
    lines = [
        f"**When**: {spent.off_hours_share:.0%} off-hours, {spent.sleep_share:.0%} between 22 and 8 o'clock, "
        f"{spent.weekend_share:.0%} at the weekend (UTC); {count(spent.busy_hours, 'hour')} with an alert; "
        f"{spent.per_shift:.1f} incidents per 12-hour shift, {spent.over} of {spent.shifts} shifts over 2."
    ]
    if report.storms:
        worst = max(report.storms, key=lambda storm: storm.alerts)
        lines.append(
            f"{count(len(report.storms), 'storm')}; the largest: {worst.alerts} different alerts at "
            f"{worst.start:%a %Y-%m-%d %H:%M} UTC."
        )
    return "\n".join(lines)


def _quality(report: ChannelReport) -> str:
    said = list(_reservations(report.quality, report.total.opens))
    if report.alerts:
        known = sum(line.helped for line in report.alerts)
        said.insert(0, f"Something is known about {known} of {count(len(report.alerts), 'alert')}.")
    return f"_{' '.join(said)}_" if said else ""


def _reservations(quality: Quality, opens: int) -> Iterable[str]:
    if quality.unnamed:
        yield f"{quality.unnamed} of {count(opens, 'incident')} name no alert."
    if quality.unknown:
        yield f"{quality.unknown} of {quality.bot_messages} bot messages were taken for no alert."
    if quality.generic or quality.by_model:
        opened = count(quality.generic, "open")
        yield f"Recognised by common forms: {opened}; by the model: {quality.by_model}."
    if quality.waiting:
        yield f"{quality.waiting} messages wait for the model."
    if quality.unpaired_closes:
        yield f"{count(quality.unpaired_closes, 'resolve')} ended nothing that was open."
    if quality.expired:
        hours = SILENCE.total_seconds() / 3600
        yield f"{quality.expired} never resolved; after {hours:.0f} h of silence they count as over."
    if quality.cut:
        yield "There were more alerts than a report reads; the oldest are left out."
    if not quality.compared:
        yield "The time before is not recorded, so nothing is compared."


def _alert(alert: str | None, service: str | None) -> str:
    name = code(alert or service or "(no name)")
    return f"{name} on {code(service)}" if alert and service else name


def code(text: str) -> str:
    """Somebody's text as inline code: nothing in it is a link, a mention, markup or a table cell's end."""
    words = re.sub(r"[`|\s]+", " ", text).strip()
    return f"`{words if len(words) <= MAX_NAME else f'{words[: MAX_NAME - 1]}…'}`" if words else "`–`"
