"""Alerts that are similar by name: what is kept of names, what is embedded, what may be seen."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from ratchet.alerts import likeness
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Message, Sender, posted_at
from ratchet.jobs.base import Done
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.embed import BATCH, Embed
from ratchet.pipeline.prune import Prune
from ratchet.pipeline.work import EmbedJob
from ratchet.reports.as_of import AsOf, recorded_history
from ratchet.store import embeddings, incidents, naming, similar
from ratchet.store.backtest import load
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database
from ratchet.store.similar import SimilarAlerts
from ratchet.store.vector_tables import VECTOR_TABLES
from tests.integration.documents.support import CONTEXT, Counting
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, deleted

NAMES = "select alert, array_to_string(words, ' '), embedding is not null from alert_names order by alert"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def said(name: str, seconds: float, *, channel: str = "C1", firing: bool = True) -> Raw:
    return alert_said(at(seconds), name, firing=firing) | {"channel": channel}


async def fired(
    house: House, *names: str, channel: str = "C1", kind: str = "public", start: float = 0
) -> None:
    """Each a second after the other."""
    await house.recall(*(said(name, start + n, channel=channel) for n, name in enumerate(names)))
    await house.rows("update channels set kind = %s where id = %s", kind, channel)


async def names(house: House) -> dict[str, str]:
    return {alert: words for alert, words, _ in await house.rows(NAMES)}


class Known:
    """Knows the vectors of some texts; all others are at right angles to them."""

    model = "known"
    dimension = embeddings.DIMENSION

    def __init__(self, near: Mapping[str, float] | None = None) -> None:
        self._near = near or {}

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        cosine = self._near.get(text, 0.0)
        return [cosine, (1 - cosine**2) ** 0.5] + [0.0] * (self.dimension - 2)


class Away(Known):
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise TimeoutError


async def test_a_name_is_kept_once_whichever_way_it_came(house: House) -> None:
    await fired(house, "KubePodCrashLooping", "DiskFull", "DiskFull", start=100)
    await house.hear(said("DiskFull", 200), said("HTTPErrorRateHigh", 201))
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    await house.work_off(dispatch.run_message, "message")
    assert await names(house) == {
        "DiskFull": "disk full",
        "HTTPErrorRateHigh": "http error rate high",
        "KubePodCrashLooping": "kube pod crash looping",
    }
    [(first,)] = await house.rows("select first_at from alert_names where alert = 'DiskFull'")
    assert first == posted_at(at(101))


async def test_recording_says_how_many_names_are_new_and_keeps_none_of_deleted_messages(house: House) -> None:
    await fired(house, "DiskFull")

    def judged(ts: str, alert: str | None) -> incidents.Judged:
        message = Message("C1", ts, Sender("bot", "B0AM"), "", ts)
        return incidents.judged(message, IncidentAction(Action.OPEN, alert=alert, tool="test"))

    async with house.db.transaction() as conn:
        again = [judged(at(0), name) for name in ("DiskFull", "RedisDown")]
        assert await incidents.record(conn, again[:1]) == 0
        assert await incidents.record(conn, [judged(at(0), None)]) == 0
        assert await incidents.record(conn, again[1:]) == 1
        assert await incidents.record(conn, [judged(at(99), "OfNoMessage")]) == 0
    assert sorted(await names(house)) == ["DiskFull", "RedisDown"]


async def test_two_who_record_the_same_names_in_another_order_both_succeed(house: House) -> None:
    many = [f"Service{chr(97 + n // 20)}x{chr(97 + n % 20)}Down" for n in range(300)]
    await asyncio.gather(fired(house, *many), fired(house, *reversed(many), channel="C2"))
    assert len(await names(house)) == 300


async def test_names_recorded_before_are_taken_over(empty_conninfo: str, tmp_path: Path) -> None:
    for file in (resources.files("ratchet.store") / "migrations").iterdir():
        if file.name < "0007":
            shutil.copy(str(file), tmp_path / file.name)
    await migrate(empty_conninfo, tmp_path)
    recorded = [
        "KubePodCrashLooping", "HTTPErrorRateHigh", "disk-full", "kafka_consumer/lag 2", "etcdHighFsync99thPercentile",
        "ABCdEFGhI", "Http5xxRate", "iOSApp2Crash", "checkout-5xx", "/: Disk space is critically low", "A", "aB",
        "Dienst größer", "!!!", "AAbBBcCC", "x1y2Z3", "VMs", "S3Bucket", " spaced  out ", "MySQL8Down",
    ]  # fmt: skip
    with psycopg.connect(empty_conninfo) as connection:
        for n, alert in enumerate([*recorded, None]):
            connection.execute(
                "insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)"
                " values ('C1', %(ts)s, now(), %(ts)s, '', '', '{}', '')",
                {"ts": at(n)},
            )
            connection.execute(
                "insert into incident_events (channel_id, ts, version, happened_at, action, alert, priority, tool)"
                " values ('C1', %(ts)s, %(ts)s, now(), 'open_incident', %(alert)s, 'LOW', 'test')",
                {"ts": at(n), "alert": alert},
            )
    await migrate(empty_conninfo)
    with psycopg.connect(empty_conninfo) as connection:
        rows: dict[str, list[str]] = dict(
            connection.execute("select alert, words from alert_names").fetchall()
        )
    assert rows.pop("Dienst größer")[0] == "dienst"  # what a letter is, the server's locale says
    assert rows == {alert: naming.words(alert) for alert in recorded if alert != "Dienst größer"}


async def test_the_background_job_embeds_the_names_as_words(house: House) -> None:
    await fired(house, "KubePodCrashLooping", "DiskFull")
    embedder = Counting()
    assert await Embed(house.db, embedder).run(EmbedJob(), CONTEXT) == Done()
    assert embedder.calls == [["disk full", "kube pod crash looping"]]
    assert all(embedded for *_, embedded in await house.rows(NAMES))
    await fired(house, "RedisDown", start=10)
    await Embed(house.db, embedder).run(EmbedJob(), CONTEXT)
    assert embedder.calls[1:] == [["redis down"]]


async def test_names_are_embedded_in_batches_and_one_without_words_does_not_wait(house: House) -> None:
    async with house.db.transaction() as conn:
        await similar.remember(conn, {f"Alert{n}": LATER for n in range(BATCH + 5)} | {"!!!": LATER})
    assert await embeddings.count_waiting(house.db, VECTOR_TABLES) == BATCH + 5
    embedder, told = Counting(), list[int]()
    assert await Embed(house.db, embedder).work(embedder, float("inf"), told.append)
    assert told == [BATCH, 5]
    assert await embeddings.count_waiting(house.db, VECTOR_TABLES) == 0


async def test_another_model_embeds_the_names_anew(house: House) -> None:
    await fired(house, "DiskFull")
    first, other = Counting(), Counting(model="other")
    await Embed(house.db, first).run(EmbedJob(), CONTEXT)
    await Embed(house.db, other).run(EmbedJob(), CONTEXT)
    assert (first.texts, other.texts) == (["disk full"], ["disk full"])


async def test_similar_alerts_are_found_best_first_and_never_the_alert_itself(house: House) -> None:
    await fired(
        house, "DiskFull", "NodeFilesystemAlmostOutOfSpace", "DiskFullSoon", "DiskIOHigh", "RedisDown"
    )
    alerts = SimilarAlerts(house.db, likeness)
    found = ["DiskFullSoon", "NodeFilesystemAlmostOutOfSpace"]
    assert await alerts.similar("DiskFull", LATER, "C1") == found
    assert await alerts.similar("DiskFull", LATER, "C1", limit=1) == found[:1]
    assert await alerts.similar("RedisDown", LATER, "C1") == []


async def test_a_name_that_was_never_recorded_has_similar_ones_too(house: House) -> None:
    await fired(house, "DiskFull")
    assert await SimilarAlerts(house.db, likeness).similar("HostOutOfDiskSpace", LATER, "C1") == ["DiskFull"]


@pytest.mark.parametrize("name", ["", "!!!", "Alert", "Down", "²", "x" * 300, "'; drop table alert_names"])
async def test_a_name_that_says_nothing_has_none(house: House, name: str) -> None:
    await fired(house, "DiskFull", "ServiceDown")
    assert await SimilarAlerts(house.db, likeness).similar(name, LATER, "C1") == []


async def test_only_what_fired_before_counts(house: House) -> None:
    await fired(house, "DiskFull", start=100)
    alerts = SimilarAlerts(house.db, likeness)
    assert await alerts.similar("DiskSpaceLow", posted_at(at(100)), "C1") == []
    assert await alerts.similar("DiskSpaceLow", posted_at(at(100.000001)), "C1") == ["DiskFull"]


async def test_what_was_only_ever_resolved_did_not_fire(house: House) -> None:
    await fired(house, "RedisDown")
    await house.recall(said("DiskFull", 5, firing=False))
    assert "DiskFull" in await names(house)
    assert await SimilarAlerts(house.db, likeness).similar("DiskSpaceLow", LATER, "C1") == []


async def test_what_fired_in_a_private_channel_is_known_there_only(house: House) -> None:
    await fired(house, "DiskFull", channel="C2", kind="private")
    await fired(house, "HostOutOfDiskSpace", channel="C3", kind="im")
    await fired(house, "RedisDown")
    alerts = SimilarAlerts(house.db, likeness)
    for channel in ("C1", "", "C9"):
        assert await alerts.similar("DiskSpaceLow", LATER, channel) == []
    assert await alerts.similar("DiskSpaceLow", LATER, "C2") == ["DiskFull"]
    assert await alerts.similar("DiskSpaceLow", LATER, "C3") == ["HostOutOfDiskSpace"]
    await fired(house, "DiskFull", start=500)
    assert await alerts.similar("DiskSpaceLow", LATER, "C1") == ["DiskFull"]


async def test_what_is_deleted_is_not_similar_any_more(house: House) -> None:
    await fired(house, "DiskFull")
    await house.hear(deleted(at(0), at(50)))
    assert await SimilarAlerts(house.db, likeness).similar("DiskSpaceLow", LATER, "C1") == []


async def test_names_that_differ_in_digits_are_similar_where_the_digits_say_which_one(house: House) -> None:
    await fired(
        house,
        "KafkaBroker1Down",
        "KafkaBroker2Down",
        "Error404",
        "Error500",
        "Postgres14Down",
        "Postgres15Down",
    )
    alerts = SimilarAlerts(house.db, likeness)
    assert await alerts.similar("KafkaBroker1Down", LATER, "C1") == ["KafkaBroker2Down"]
    assert await alerts.similar("KafkaBroker3Down", LATER, "C1") == ["KafkaBroker1Down", "KafkaBroker2Down"]
    for name in ("Error404", "Error500", "Postgres14Down", "Postgres15Down"):
        assert await alerts.similar(name, LATER, "C1") == []


FORMS = Known({"thanos compact halted": 1.0, "thanos compactor halted": 0.97})


async def test_embeddings_confirm_forms_of_a_word(house: House) -> None:
    await fired(house, "ThanosCompactHalted", "ThanosCompactorHalted")
    alerts = SimilarAlerts(house.db, likeness)
    assert await alerts.similar("ThanosCompactHalted", LATER, "C1") == []
    await Embed(house.db, FORMS).run(EmbedJob(), CONTEXT)
    assert await alerts.similar("ThanosCompactHalted", LATER, "C1") == ["ThanosCompactorHalted"]


async def test_a_name_not_embedded_yet_is_embedded_on_the_spot_by_the_model_in_use(house: House) -> None:
    await fired(house, "ThanosCompactHalted")
    asked = ("ThanosCompactorHalted", LATER, "C1")
    assert await SimilarAlerts(house.db, likeness, FORMS).similar(*asked) == []
    await Embed(house.db, FORMS).run(EmbedJob(), CONTEXT)
    assert await SimilarAlerts(house.db, likeness, FORMS).similar(*asked) == ["ThanosCompactHalted"]
    assert await SimilarAlerts(house.db, likeness).similar(*asked) == []
    other = Known({"thanos compactor halted": 1.0})
    other.model = "other"
    assert await SimilarAlerts(house.db, likeness, other).similar(*asked) == []


async def test_while_the_model_is_away_words_are_enough(house: House) -> None:
    await fired(house, "DiskFull")
    await Embed(house.db, FORMS).run(EmbedJob(), CONTEXT)
    assert await SimilarAlerts(house.db, likeness, Away()).similar("DiskSpaceLow", LATER, "C1") == [
        "DiskFull"
    ]


async def test_the_bundled_model_sets_the_order_and_lets_nothing_else_in(house: House) -> None:
    await fired(
        house,
        "HostOutOfDiskSpace",
        "DiskAlmostFull",
        "DiskReadSlow",
        "ThanosCompactHalted",
        "RedisDown",
        "MySQLDown",
    )
    embedder = LocalEmbedder()
    try:
        await Embed(house.db, embedder).run(EmbedJob(), CONTEXT)
        alerts = SimilarAlerts(house.db, likeness, embedder)
        assert await alerts.similar("DiskFull", LATER, "C1") == ["DiskAlmostFull", "HostOutOfDiskSpace"]
        assert await alerts.similar("ThanosCompactorHalted", LATER, "C1") == ["ThanosCompactHalted"]
        assert await alerts.similar("PostgresDown", LATER, "C1") == []
    finally:
        embedder.close()


async def test_names_without_events_are_pruned_and_missing_ones_come(house: House) -> None:
    await fired(house, "DiskFull", "RedisDown", "MySQLDown")
    await house.rows("delete from messages where ts = %s", at(0))
    await house.rows("delete from alert_names where alert = 'MySQLDown'")
    await Prune(house.db, message_days=100_000).run()
    assert await names(house) == {"MySQLDown": "my sql down", "RedisDown": "redis down"}
    assert await similar.prune(house.db) == 0


async def test_the_record_as_of_now_finds_what_the_store_finds(house: House) -> None:
    every = [
        "DiskFull", "HostOutOfDiskSpace", "DiskSpaceLow", "KafkaConsumerLag", "KafkaLagHigh", "KafkaBroker1Down",
        "KafkaBroker2Down", "KafkaBrokerDown", "PostgresDown", "MySQLDown", "InstanceDown", "HostDown", "Error404",
    ]  # fmt: skip
    await fired(house, *every[::2])
    await fired(house, *every[1::2], channel="C2", kind="private", start=3)
    recording = await load(house.db)
    rules = likeness.Names({event.alert for event in recording.events if event.alert}, naming.words)
    history = recorded_history(recording.events, recording.replies, recording.public, rules)
    record, alerts = AsOf(history, LATER), SimilarAlerts(house.db, likeness)
    seen = 0
    for name in every:
        for channel in ("C1", "C2"):
            for moment in (posted_at(at(5)), LATER):
                expected = await alerts.similar(name, moment, channel)
                assert list(await record.similar(name, moment, channel)) == list(expected)
                seen += len(expected)
    assert seen > 20


GENERATE = """
with fired as (
    insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)
    select 'C' || n %% 20, (1600000000 + n) || '.000100', to_timestamp(n), '', '', '', '{}', ''
    from generate_series(1, %(events)s) n returning channel_id, ts, posted_at
)
insert into incident_events (channel_id, ts, version, happened_at, action, alert, priority, tool)
select channel_id, ts, '', posted_at, 'open_incident', 'Topic' || md5((extract(epoch from posted_at)::int %% %(names)s)::text) || 'Down',
       'LOW', 'test' from fired
"""
COPY = "insert into alert_names select distinct alert, array['topic', alert, 'down'], null::halfvec, now() from incident_events"


async def plan(house: House, statement: str, **values: object) -> str:
    async with house.db.connection() as conn:
        rows = await (await conn.execute(f"explain (costs off) {statement}".encode(), values)).fetchall()
    return "\n".join(row[0] for row in rows)


async def test_among_many_names_and_events_nothing_is_read_whole(house: House) -> None:
    async with house.db.connection() as conn:
        await conn.execute(
            "insert into channels (id, kind) select 'C' || n, 'public' from generate_series(0, 19) n"
        )
        await conn.execute(
            "set session_replication_role = replica"
        )  # no foreign keys: the messages come in the same statement
        await conn.execute(GENERATE, {"events": 20_000, "names": 4_000})
        await conn.execute("set session_replication_role = origin")
        await conn.execute(COPY)
        await conn.execute("analyze")
    words = {"first": ["kafka", "topics"], "second": ["down"], "third": ["down"]}
    explained = await plan(house, similar.BY_WORDS, alert="x", vector=None, limit=200, **words)
    assert "alert_names_words" in explained
    alerts = [alert for (alert,) in await house.rows("select alert from alert_names limit 200")]
    explained = await plan(
        house, similar.FIRED, alerts=alerts, before=LATER, visible_from="C1", firings=similar.FIRINGS, limit=3
    )
    assert "incident_events_alert" in explained
    assert "Seq Scan on incident_events" not in explained
