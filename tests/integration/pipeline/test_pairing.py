"""What alerting tools post, one post after the other, and the incidents that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.pipeline.dispatch import Dispatch
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, deleted, edited, said

VIEW = """
select alert, service, open_ts, close_ts, firings, extract(epoch from closed_at - opened_at)::float
from incidents order by opened_at, alert
"""
HOUR = 3600
AM = "http://alertmanager.example.org:9093/#/alerts?receiver=ops"
RED, GREEN = "a30200", "2eb886"


def bot(ts: str, text: str = "", *, name: str = "", bot_id: str = "B0TOOL", **more: Any) -> Raw:
    raw = said(ts, text) | {"bot_id": bot_id, "subtype": "bot_message", "username": name}
    del raw["user"]
    return raw | more


def card(ts: str, title: str, colour: str, *, name: str = "", bot_id: str = "B0TOOL", **more: Any) -> Raw:
    attachment = {"title": title, "fallback": title, "color": colour} | more
    return bot(ts, name=name, bot_id=bot_id, attachments=[attachment])


def am(ts: str, title: str, *, firing: bool = True) -> Raw:
    return card(ts, title, RED if firing else GREEN, title_link=AM, fallback=f"{title} | {AM}")


def section(text: str) -> Raw:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def incidents(house: House, *raws: Raw) -> list[Any]:
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    for raw in raws:
        await house.hear(raw)
        await house.work_off(dispatch.run_message, "message")
    return await house.rows(VIEW)


async def test_a_group_that_grows_repeats_and_shrinks_is_one_incident_until_all_are_resolved(
    house: House,
) -> None:
    """Labels leave the title when the alerts of a group do not share them; partial resolves are not said."""
    found = await incidents(
        house,
        am(at(0), "[FIRING:1] HostHighCpuLoad (10.0.0.1:9100 node warning)"),
        am(at(60), "[FIRING:3] HostHighCpuLoad (node warning)"),
        am(at(4 * HOUR), "[FIRING:3] HostHighCpuLoad (node warning)"),
        am(at(5 * HOUR), "[FIRING:1] HostHighCpuLoad (10.0.0.2:9100 node warning)"),
        am(at(6 * HOUR), "[RESOLVED] HostHighCpuLoad (node warning)", firing=False),
    )
    assert found == [("HostHighCpuLoad", "node", at(0), at(6 * HOUR), 4, 6 * HOUR)]


async def test_firing_wins_where_a_post_tells_of_both(house: House) -> None:
    def grafana(ts: str, state: str, colour: str) -> Raw:
        link = "https://grafana.example.com/alerting/grafana/abcd123/view?orgId=1"
        title = f"[{state}] HighErrorRate Checkout (prod checkout critical)"
        text = "**Firing**\n\nLabels:\n - alertname = HighErrorRate\n - service = checkout\n"
        return card(ts, title, colour, name="Grafana", title_link=link, text=text, footer="Grafana v12.1.0")

    found = await incidents(
        house,
        grafana(at(0), "FIRING:3", "D63232"),
        grafana(at(60), "FIRING:2, RESOLVED:1", "D63232"),
        grafana(at(120), "RESOLVED:3", "36a64f"),
    )
    assert found == [("HighErrorRate", "checkout", at(0), at(120), 2, 120.0)]


async def test_two_alerts_in_one_post_fire_when_one_of_them_does(house: House) -> None:
    fired, resolved = (
        am(at(0), "[FIRING:1] DiskFull db (critical)"),
        am(at(0), "[RESOLVED] DiskFull db (critical)", firing=False),
    )
    both = fired | {"attachments": [*resolved["attachments"], *fired["attachments"]]}
    assert [row[2:5] for row in await incidents(house, both)] == [(at(0), None, 1)]


async def test_where_firing_and_resolved_look_alike_the_colour_tells(house: House) -> None:
    """The template of Alertmanager's own documentation."""

    def summary(ts: str, colour: str) -> Raw:
        return card(ts, "Payments are slow", colour, title_link=AM, text="*service:* pay", fallback="x")

    found = await incidents(house, summary(at(0), RED), summary(at(90), GREEN))
    assert [row[2:] for row in found] == [(at(0), at(90), 1, 90.0)]


async def test_a_group_without_the_alerts_name_is_paired_by_what_it_is_grouped_by(house: House) -> None:
    found = await incidents(
        house,
        am(at(0), "[FIRING:2] shop (monitoring/k8s warning)"),
        am(at(1), "[FIRING:1] blog (monitoring/k8s warning)"),
        am(at(60), "[RESOLVED] shop (monitoring/k8s warning)", firing=False),
    )
    assert [(row[0], *row[2:4]) for row in found] == [(None, at(0), at(60)), (None, at(1), None)]


@pytest.mark.parametrize("what", ["receiver", "bot", "channel"])
async def test_the_same_title_elsewhere_closes_nothing(house: House, what: str) -> None:
    fired = am(at(0), "[FIRING:1] DiskFull db (critical)")
    resolved = am(at(60), "[RESOLVED] DiskFull db (critical)", firing=False)
    if what == "receiver":
        link = resolved["attachments"][0]["title_link"] = AM.replace("ops", "dev")
        resolved["attachments"][0]["fallback"] = f"x | {link}"
    other = {"bot": {"bot_id": "B0OTHER"}, "channel": {"channel": "C2"}}.get(what, {})
    assert [row[2:4] for row in await incidents(house, fired, resolved | other)] == [(at(0), None)]


async def test_a_link_to_the_same_incident_pairs_whatever_the_words(house: House) -> None:
    def pager(ts: str, words: str, number: int) -> Raw:
        return bot(
            ts, f"*{words}* <https://acme.pagerduty.com/incidents/P{number}|[#8] Something>", name="PagerDuty"
        )

    found = await incidents(
        house, pager(at(0), "Triggered", 1), pager(at(1), "Triggered", 2), pager(at(60), "Resolved", 2)
    )
    assert [row[2:4] for row in found] == [(at(0), None), (at(1), at(60))]


async def test_readings_in_a_title_do_not_keep_it_from_its_close_and_digits_of_a_name_do(
    house: House,
) -> None:
    found = await incidents(
        house,
        bot(at(0), "[CRITICAL] Disk usage on web-1 is 92.5%"),
        bot(at(1), "[CRITICAL] Disk usage on web-2 is 92.5%"),
        bot(at(2), "[CRITICAL] Job 1234 failed"),
        bot(at(3), "[CRITICAL] Job 1235 failed"),
        bot(at(60), "[OK] Disk usage on web-2 is 41%"),
        bot(at(61), "[OK] Job 1234 failed"),
    )
    assert [row[2:4] for row in found] == [(at(0), None), (at(1), at(60)), (at(2), at(61)), (at(3), None)]


async def test_a_message_that_is_edited_from_firing_over_acknowledged_to_resolved_is_one_incident(
    house: House,
) -> None:
    def oncall(ts: str, status: str, colour: str) -> Raw:
        blocks = [
            section("<https://grafana.example.com/alert-groups/I1|#4 HighLatency>"),
            section(f"Status: {status}"),
        ]
        return bot(ts, name="Grafana OnCall", attachments=[{"color": colour, "blocks": blocks}])

    fired = oncall(at(0), "firing :fire:", RED)
    acknowledged, resolved = oncall(at(0), "acknowledged", "daa038"), oncall(at(0), "resolved", GREEN)
    found = await incidents(
        house,
        fired,
        edited(fired, at(60), attachments=acknowledged["attachments"]),
        edited(fired, at(300), attachments=resolved["attachments"]),
    )
    assert [row[2:] for row in found] == [(at(0), at(0), 1, 300.0)]


async def test_what_acknowledges_a_problem_in_its_thread_neither_opens_nor_closes(house: House) -> None:
    def zabbix(ts: str, title: str, colour: str) -> Raw:
        fields = [{"title": "Host", "value": "db-1"}, {"title": "Severity", "value": "High"}]
        return card(ts, title, colour, fields=fields)

    fired = zabbix(at(0), "Problem: Disk is full", "E97659")
    updated = zabbix(at(60), "Updated problem in 1m: Disk is full", "E97659") | {"thread_ts": at(0)}
    resolved = zabbix(at(0), "Resolved in 5m 1s: Disk is full", "009900")
    found = await incidents(house, fired, updated)
    assert [row[2:5] for row in found] == [(at(0), None, 1)]
    found = await incidents(house, edited(fired, at(301), attachments=resolved["attachments"]))
    assert [row[2:5] for row in found] == [(at(0), at(0), 1)]


async def test_a_resolve_in_the_thread_of_a_renotification_closes_the_incident(house: House) -> None:
    reply = alert_said(at(120), "Something", firing=False, thread_ts=at(60))
    found = await incidents(house, alert_said(at(0)), alert_said(at(60)), reply)
    assert [row[2:5] for row in found] == [(at(0), at(120), 2)]


async def test_what_another_bot_says_in_the_thread_resolves_nothing(house: House) -> None:
    fired = alert_said(at(0))
    build = card(at(60), "[RESOLVED] Build 7 (main)", GREEN, bot_id="B0CI") | {"thread_ts": at(0)}
    assert [row[2:5] for row in await incidents(house, fired, build)] == [(at(0), None, 1)]


async def test_a_flapping_alert_is_an_incident_each_time(house: House) -> None:
    raws = [alert_said(at(60 * n), firing=n % 2 == 0) for n in range(6)]
    found = await incidents(house, *raws)
    assert [row[2:4] for row in found] == [(at(60 * n), at(60 * (n + 1))) for n in (0, 2, 4)]


async def test_a_tool_that_never_resolves_begins_anew_after_a_silence(house: House) -> None:
    def issue(ts: str) -> Raw:
        link = "<https://acme.sentry.io/issues/5/?referrer=slack|*ZeroDivisionError*>"
        return bot(ts, "[shop] ZeroDivisionError", name="Sentry", blocks=[section(f":red_circle: {link}")])

    found = await incidents(house, *(issue(at(hours * HOUR)) for hours in (0, 5, 28, 53, 54)))
    assert [row[2:5] for row in found] == [(at(0), None, 3), (at(53 * HOUR), None, 2)]
    assert await house.rows("select distinct state from incidents") == [("expired",)]


async def test_heartbeats_are_no_incidents(house: House) -> None:
    assert await incidents(house, am(at(0), "[FIRING:1] Watchdog (none)")) == []


async def test_a_resolve_in_a_gap_is_found_with_the_alert_that_was_posted_and_edited_in_it(
    house: House,
) -> None:
    """History shows such an alert in its last form only, as if it had never fired."""
    await house.hear(said(at(-5), "now"))
    fired = am(at(0), "[FIRING:1] DiskFull db (critical)")
    last = am(at(0), "[RESOLVED] DiskFull db (critical)", firing=False) | {
        "edited": {"user": "U1", "ts": at(300)}
    }
    await house.recall(last)
    assert [row[2:] for row in await house.rows(VIEW)] == [(at(0), at(0), 1, 300.0)]
    # The live events come late, and say the same.
    change = edited(fired, at(300), attachments=last["attachments"])
    assert [row[2:] for row in await incidents(house, change, fired)] == [(at(0), at(0), 1, 300.0)]


async def test_a_deleted_resolve_leaves_the_incident_open(house: House) -> None:
    fired, resolved = alert_said(at(0)), alert_said(at(60), firing=False)
    found = await incidents(house, fired, resolved, deleted(at(60), at(90)))
    assert [row[2:5] for row in found] == [(at(0), None, 1)]


async def test_a_deleted_firing_leaves_the_renotification_as_the_first(house: House) -> None:
    found = await incidents(house, alert_said(at(0)), alert_said(at(60)), deleted(at(0), at(90)))
    assert [row[2:5] for row in found] == [(at(60), None, 1)]
