"""The example workspace that people see first: it hangs together and keeps its promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import localslack

Json = dict[str, Any]
Title = tuple[str, str]  # alert, service (Grafana: folder)

ROOT = Path(localslack.__file__).parent / "example"
TITLE = re.compile(r"^\[(FIRING:\d+|RESOLVED)\] (\S+) (\S+) ")
DOCUMENTED_ONLY = ("PaymentWebhookBacklog", "payments")
BRAND_NEW = ("GiftCardBalanceDrift", "giftcards")
NEVER_RESOLVED = ("TargetDown", "catalog")
SECRET_SHAPES = re.compile(
    r"xox[a-z]-|xapp-|AKIA[0-9A-Z]{8}|gh[pousr]_\w{8}|sk-[A-Za-z0-9]{8}|eyJ[\w-]{10}|-----BEGIN"
    r"|\b[0-9a-f]{40,}\b|[Bb]earer [\w.-]{8}|://[^/\s:@]+:[^/\s@]+@"
)
URL_HOST = re.compile(r"https?://([^/\s\"'|<>)`?#]+)")
IDS = re.compile(r"<[@#]([A-Z0-9]+)")


def load(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def conversations() -> list[Json]:
    return [*load("channels.json"), *load("groups.json")]


@cache
def days(channel: str) -> list[tuple[str, list[Json]]]:
    return [(path.stem, json.loads(path.read_text())) for path in sorted((ROOT / channel).glob("*.json"))]


@cache
def messages(channel: str) -> list[Json]:
    return [message for _, day in days(channel) for message in day]


def everything() -> Iterator[Json]:
    for conversation in conversations():
        yield from messages(conversation["name"])


def texts() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*")):
        if path.is_file():
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def title_of(message: Json) -> str:
    return str((message.get("attachments") or [{}])[0].get("title", ""))


def subject(title: str) -> Title:
    found = TITLE.match(title)
    assert found, title
    return found[2], found[3].lower()


def group_prefix(title: str) -> str:
    """What Alertmanager and Grafana keep the same while a group grows: alert name and group labels."""
    return title.split("] ", 1)[1].split(" (", 1)[0]


def alerts() -> list[Json]:
    return [m for m in messages("ops-alerts") if title_of(m)]


def firings() -> list[Json]:
    return [m for m in alerts() if title_of(m).startswith("[FIRING")]


def triaged() -> Counter[Title]:
    return Counter(subject(title_of(m)) for m in firings() if m.get("reply_count"))


def scenarios() -> list[Json]:
    loaded: list[Json] = load("scenarios.json")
    return loaded


def webhooks(step: Json) -> list[Json]:
    return list(step.get("webhooks") or [step["webhook"]])


def test_every_person_bot_and_channel_named_in_a_message_exists() -> None:
    users = load("users.json")
    bots = {u["profile"].get("bot_id") for u in users}
    known = {u["id"] for u in users} | {c["id"] for c in conversations()}
    for message in everything():
        assert "user" in message or message["subtype"] == "bot_message"
        named = set(IDS.findall(message["text"]))
        named |= {u for r in message.get("reactions", []) for u in r["users"]} | {message.get("user")} - {
            None
        }
        assert named <= known, message
        assert message.get("bot_id") is None or message["bot_id"] in bots
    assert all(set(c["members"]) <= known for c in conversations())


def test_profiles_are_complete_and_addresses_belong_to_the_company() -> None:
    for user in load("users.json"):
        assert user["profile"]["real_name"]
        if not user["is_bot"]:
            assert user["tz"]
            assert user["profile"]["title"]
            assert user["profile"]["email"].endswith("@harbor.example")


def test_ts_are_unique_ordered_and_in_the_file_of_their_day() -> None:
    every = [message["ts"] for message in everything()]
    assert len(every) == len(set(every))
    for conversation in conversations():
        stamps = [m["ts"] for m in messages(conversation["name"])]
        assert stamps
        assert stamps == sorted(stamps)
        for day, content in days(conversation["name"]):
            assert {datetime.fromtimestamp(float(m["ts"]), UTC).date().isoformat() for m in content} == {day}


def test_thread_parents_exist_and_list_their_replies() -> None:
    for conversation in conversations():
        by_ts = {m["ts"]: m for m in messages(conversation["name"])}
        replies = [m for m in by_ts.values() if m.get("thread_ts", m["ts"]) != m["ts"]]
        listed = {r["ts"]: root["ts"] for root in by_ts.values() for r in root.get("replies", [])}
        assert {m["ts"]: m["thread_ts"] for m in replies} == listed
        for root in by_ts.values():
            if "reply_count" in root:
                assert root["thread_ts"] == root["ts"]
                assert root["reply_count"] == len(root["replies"])
                assert root["latest_reply"] == root["replies"][-1]["ts"]


def test_reaction_counts_agree_with_the_people_who_reacted() -> None:
    for message in everything():
        for reaction in message.get("reactions", []):
            assert reaction["count"] == len(reaction["users"]) == len(set(reaction["users"]))


def test_every_resolved_alert_repeats_the_group_labels_of_a_firing_before_it() -> None:
    still_open: set[str] = set()
    for alert in alerts():
        title = title_of(alert)
        if title.startswith("[FIRING"):
            still_open.add(group_prefix(title))
        else:
            assert group_prefix(title) in still_open, title
            still_open.discard(group_prefix(title))
    assert {tuple(p.split()[:2]) for p in still_open} == {NEVER_RESOLVED}


def test_a_single_alert_resolves_with_the_title_it_fired_with() -> None:
    last: dict[str, str] = {}
    for alert in alerts():
        title = title_of(alert)
        key = group_prefix(title)
        if title.startswith("[FIRING"):
            last[key] = title
        else:
            assert title.split("] ", 1)[1] == last[key].split("] ", 1)[1]


def test_alert_fallbacks_and_colours_say_the_same_as_their_titles() -> None:
    colours = {"Alertmanager": ("a30200", "2eb886"), "Grafana": ("D63232", "36a64f")}
    for alert in alerts():
        attachment = alert["attachments"][0]
        assert attachment["fallback"].split(" | ")[0] == attachment["title"]
        fired, resolved = colours[alert["username"]]
        assert attachment["color"] == (fired if title_of(alert).startswith("[FIRING") else resolved)


def test_the_history_is_large_and_most_of_it_was_triaged() -> None:
    kinds = {subject(title_of(m)) for m in firings()}
    assert len(kinds) >= 14
    assert len({service for _, service in kinds}) >= 8
    assert triaged().total() >= 80
    assert any("reply_count" not in m for m in firings())


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: str(s["id"]))
def test_a_scenario_has_the_history_it_promises(scenario: Json) -> None:
    titles = [w["attachments"][0]["title"] for step in scenario["steps"] for w in webhooks(step)]
    history = triaged()
    fired_before = {subject(title_of(m)) for m in firings()}
    for kind in {subject(title) for title in titles}:
        if kind in (DOCUMENTED_ONLY, BRAND_NEW):
            assert kind not in fired_before
        else:
            assert history[kind] >= 3, kind


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: str(s["id"]))
def test_a_scenario_ends_with_everything_resolved(scenario: Json) -> None:
    assert scenario["channel"] in {c["name"] for c in conversations()}
    still_open: set[str] = set()
    for step in scenario["steps"]:
        assert step["label"]
        for webhook in webhooks(step):
            attachment = webhook["attachments"][0]
            firing = attachment["title"].startswith("[FIRING")
            assert webhook["channel"] == f"#{scenario['channel']}"
            assert attachment["color"] in (("danger", "#D63232") if firing else ("good", "#36a64f"))
            (still_open.add if firing else still_open.discard)(group_prefix(attachment["title"]))
    assert not still_open
    assert scenario["steps"][-1]["label"].startswith("Resolve")


def test_titles_of_scenarios_start_like_those_in_the_history() -> None:
    known = {group_prefix(title_of(m)) for m in firings()}
    for scenario in scenarios():
        for webhook in (w for step in scenario["steps"] for w in webhooks(step)):
            title = webhook["attachments"][0]["title"]
            assert group_prefix(title) in known or subject(title) in (DOCUMENTED_ONLY, BRAND_NEW)


def test_one_alert_has_only_a_document_and_one_has_nothing_at_all() -> None:
    documents = "".join(path.read_text() for path in (ROOT / "documents").rglob("*.md"))
    said = "".join(str(message) for message in everything())
    assert DOCUMENTED_ONLY[0] in documents
    assert DOCUMENTED_ONLY[0] not in said
    assert BRAND_NEW[0] not in documents + said


def test_the_day_of_the_storm_has_fifteen_alerts_in_four_minutes() -> None:
    stamps = [float(m["ts"]) for m in firings()]
    widest = max(sum(t <= other < t + 240 for other in stamps) for t in stamps)
    assert widest >= 15


def test_one_alert_flaps_one_heals_itself_every_night_and_one_is_renotified() -> None:
    by_kind: dict[Title, list[float]] = {}
    for alert in firings():
        by_kind.setdefault(subject(title_of(alert)), []).append(float(alert["ts"]))
    gaps = {k: [b - a for a, b in pairwise(ts)] for k, ts in by_kind.items()}
    assert sum(gap < 3600 for gap in gaps["DiskLatencyHigh", "postgres-main"]) >= 4
    nights = [datetime.fromtimestamp(t, UTC) for t in by_kind["ReplicationLagHigh", "postgres-main"]]
    assert sum(night.hour == 2 for night in nights) >= 20
    four_hours = timedelta(hours=4).total_seconds()
    assert sum(abs(gap - four_hours) < 60 for gap in gaps["StockSyncDelayed", "inventory"]) >= 5


def test_a_document_that_a_message_links_to_exists() -> None:
    base = "https://git.harbor.example/harbor/docs/blob/main/"
    linked = {p for m in everything() for p in re.findall(re.escape(base) + r"([\w/.-]+\.md)", m["text"])}
    assert len(linked) >= 8
    assert all((ROOT / "documents" / path).is_file() for path in linked)


def test_the_private_channel_has_a_phrase_that_is_said_nowhere_else() -> None:
    private = load("groups.json")
    assert [c["name"] for c in private] == ["secops"]
    assert all(c["is_private"] for c in private)
    mentioning = {name for name, text in texts() if "velvet lighthouse" in text.lower()}
    assert mentioning
    assert all(name.startswith("secops/") for name in mentioning)


def test_no_file_names_a_real_host_or_holds_what_looks_like_a_secret() -> None:
    for name, text in texts():
        for host in URL_HOST.findall(text):
            bare = host.split(":")[0].rstrip(".,;\\")
            assert bare == "localhost" or bare.endswith(".example"), (name, host)
        assert not SECRET_SHAPES.search(text), name


def test_the_workspace_stays_small() -> None:
    assert sum(len(text.encode()) for _, text in texts()) < 1_200_000
