"""Charts: the same report is the same picture, whatever names stand in it."""

from __future__ import annotations

import struct
from xml.etree import ElementTree

import pytest

from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.charts import channel_chart, days_chart
from tests.unit.reports.channel_support import lasting, rows


def report(*alerts: tuple[str, str | None]) -> ChannelReport:
    steps = [
        step
        for number, (alert, service) in enumerate(alerts)
        for step in lasting(number % 160 + number / 200, 3, alert, service=service)
    ]
    return channel_report(rows(*steps))


def texts(svg: bytes) -> list[str]:
    return [
        (node.text or "").strip() for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")
    ]


def test_the_same_report_is_the_same_png_of_the_size_that_slack_shows_well() -> None:
    found = report(*[("DiskFull", "api")] * 5, ("Lag", "db"))
    first = channel_chart(found, "#ops, 7 days")
    assert first == channel_chart(found, "#ops, 7 days")
    assert first.startswith(b"\x89PNG")
    assert struct.unpack(">II", first[16:24]) == (1430, 546)


def test_the_busiest_services_stand_in_the_legend_and_the_rest_is_other() -> None:
    found = report(*[(f"A{n}", f"service-{n % 9}") for n in range(40)])
    said = texts(days_chart(found))
    assert "service-0" in said
    assert "other" in said
    assert sum(word.startswith("service-") for word in said) == 5


def test_a_cause_is_named_beside_its_alert() -> None:
    said = texts(channel_chart(report(*[("Flappy", "api")] * 6), "#ops", "svg"))
    assert {"Flappy", "self-heals"} <= set(said)


def test_a_week_without_alerts_says_so() -> None:
    assert "no alert fired" in texts(days_chart(report()))


@pytest.mark.parametrize(
    "name",
    [
        "$\\frac{",
        "_hidden",
        "<script>&amp;",
        "日本語のアラート",
        "a" * 500,
        "new\nline",
        "%s {0} \\",
        "$$",
        " ",
    ],
    ids=["mathematics", "underscore", "markup", "Japanese", "long", "lines", "patterns", "dollars", "blank"],
)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_name_of_any_kind_is_drawn(name: str) -> None:
    found = report(*[(name, name)] * 6)
    assert channel_chart(found, name).startswith(b"\x89PNG")
    assert texts(channel_chart(found, name, "svg"))
