"""Which alerts are similar by their names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.alerts.likeness import FORMS, SAME, SIMILAR, Names, likeness, similarity, terms, wanted
from ratchet.alerts.likeness_terms import ENOUGH, IMPLIED, KUBERNETES, LEVELS, RUNS_OUT, STATES, VOCABULARY
from ratchet.store.naming import words
from tests.unit.alerts.similar_pairs import DIFFERENT, Pair, kept_aside
from tests.unit.alerts.similar_pairs import SIMILAR as ALIKE


def like(a: str, b: str, cosine: float | None = None) -> bool:
    return similarity(words(a), words(b), cosine) is not None


def figures(similar: Sequence[Pair], different: Sequence[Pair]) -> tuple[float, float]:
    """Precision and recall."""
    right = sum(like(*pair) for pair in similar)
    wrong = sum(like(*pair) for pair in different)
    return right / (right + wrong), right / len(similar)


@pytest.mark.parametrize("aside", [False, True])
def test_what_is_called_similar_is_similar_and_most_of_it_is_found(aside: bool) -> None:
    similar, different = (
        [pair for pair in pairs if kept_aside(pair) == aside] for pairs in (ALIKE, DIFFERENT)
    )
    assert min(len(similar), len(different)) >= 40
    precision, recall = figures(similar, different)
    assert precision >= 0.95
    assert recall >= 0.9


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("KafkaBroker1Down", "KafkaBroker2Down"),
        ("KafkaBroker1Down", "KafkaBrokerDown"),
        ("web-01 down", "web-17 down"),
        ("Instance 10.0.0.1:9100 down", "Instance 10.0.0.2:9100 down"),
        ("Interface eth0 down", "Interface eth3 down"),
    ],
)
def test_a_number_that_says_which_one_makes_no_difference(a: str, b: str) -> None:
    assert like(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("DiskUsageAbove80Percent", "DiskUsageAbove90Percent"),
        ("CertExpiresIn7Days", "CertExpiresIn30Days"),
        ("CPU usage is 91%", "CPU usage is 97%"),
        ("PostgresTooManyConnections(>80%)", "PostgresTooManyConnections"),
        ("HighLatencyP95", "HighLatencyP99"),
        ("P1 DiskFull", "P2 DiskFull"),
        ("ErrorBudgetBurn1h", "ErrorBudgetBurn6h"),
    ],
)
def test_a_number_that_is_a_limit_makes_no_difference(a: str, b: str) -> None:
    assert like(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Error404", "Error500"),
        ("HTTP status is 404", "HTTP status is 500"),
        ("NodeHttp502Errors", "NodeHttp503Errors"),
        ("HTTP4xxRateHigh", "HTTP5xxRateHigh"),
    ],
)
def test_a_status_code_is_another_alert(a: str, b: str) -> None:
    assert not like(a, b)
    assert not like(a, b, 0.99)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Postgres14Down", "Postgres15Down"),
        ("Postgres14Down", "PostgresDown"),
        ("JobV1Failing", "JobV2Failing"),
        ("IPv4Unreachable", "IPv6Unreachable"),
        ("Server2012Down", "Server2019Down"),
        ("Redis6Down", "Redis7Down"),  # an instance or a version, nobody knows
        ("Port 80 down", "Port 443 down"),
    ],
)
def test_a_version_is_another_alert_and_so_is_what_may_be_one(a: str, b: str) -> None:
    assert not like(a, b)
    assert not like(a, b, 0.99)


def test_how_bad_it_is_and_where_it_runs_make_no_difference() -> None:
    assert like("DiskFullWarning", "DiskFullCritical")
    assert like("ProdRedisDown", "RedisDown")
    assert like("KubePodNotReady", "PodNotReady")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("PostgresDown", "MySQLDown"),
        ("ThanosQueryClientErrors", "ThanosQueryServerErrors"),
        ("CassandraReadLatency", "CassandraWriteLatency"),
        ("NetworkInSaturated", "NetworkOutSaturated"),
        ("ContainerLowMemoryUsage", "ContainerHighMemoryUsage"),
        ("AlertManagerNoAlerts", "AlertmanagerDown"),
        ("CheckoutDown", "PaymentsDown"),
        ("RedisAlert", "RedisProblem"),
    ],
)
def test_embeddings_do_not_make_other_words_similar(a: str, b: str) -> None:
    assert not like(a, b)
    assert not like(a, b, 1.0)


def test_embeddings_confirm_that_words_are_forms_of_one() -> None:
    pair = ("ThanosCompactHalted", "ThanosCompactorHalted")
    assert not like(*pair)
    assert not like(*pair, FORMS - 0.01)
    assert like(*pair, FORMS)


def test_of_the_similar_the_nearest_is_the_most_alike() -> None:
    asked = words("DiskFull")
    near, far = likeness(asked, words("DiskFullSoon")), likeness(asked, words("HostOutOfDiskSpace"))
    assert 1 > near > far >= SAME > SIMILAR
    assert likeness(asked, words("disk-full"), 0.3) == 1.0
    assert likeness(asked, words("DiskSpaceLow"), 0.9) > likeness(asked, words("DiskSpaceLow"), 0.4)


@pytest.mark.parametrize(
    "name", ["", "!!!", "Alert", "Problem", "Down", "Critical warning", "High", "is the of"]
)
def test_a_name_that_says_nothing_is_like_no_other(name: str) -> None:
    assert wanted(words(name)) == []
    assert not like(name, "DiskFull")
    assert not like(name, f"Too {name} now")


HOSTILE = st.lists(
    st.sampled_from(
        ["disk", "full", "5", "xx", "404", "k", "8", "s", "p", "99", "in", "no", "²", "٣", "ß", "#", "0"]
    )
    | st.text(max_size=12),
    max_size=60,
)


@given(a=HOSTILE, b=HOSTILE, cosine=st.none() | st.floats(-1, 1))
def test_any_words_have_a_likeness_and_it_is_the_same_both_ways(
    a: list[str], b: list[str], cosine: float | None
) -> None:
    assert 0 <= likeness(a, b, cosine) <= 1
    assert likeness(a, b, cosine) == pytest.approx(likeness(b, a, cosine))
    assert all(wanted(a))


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_names_have_a_likeness(a: str, b: str) -> None:
    assert 0 <= likeness(words(a), words(b)) <= 1


def looked_for(asked: str, other: str) -> bool:
    return all(set(group) & set(words(other)) for group in wanted(words(asked)))


def test_what_is_looked_for_finds_what_is_similar() -> None:
    pairs = [pair for a, b in ALIKE for pair in ((a, b), (b, a)) if like(*pair)]
    assert [pair for pair in pairs if not looked_for(*pair)] == []


def test_what_is_looked_for_leaves_most_names_out() -> None:
    names = {name for pair in (*ALIKE, *DIFFERENT) for name in pair}
    found = {name for name in names if looked_for("KafkaConsumerLag", name)}
    assert found == {"KafkaConsumerLag", "KafkaLagHigh"}


def test_of_many_names_the_similar_ones_are_found_best_first() -> None:
    every = sorted({name for pair in (*ALIKE, *DIFFERENT) for name in pair})
    names = Names(every, words)
    for asked in every:
        others = [other for other in every if other != asked and looked_for(asked, other)]
        scored = {other: similarity(words(asked), words(other)) for other in others}
        similar = {other: score for other, score in scored.items() if score is not None}
        assert names.like(asked) == sorted(similar, key=lambda other: (-similar[other], other))
    assert names.like("FilesystemFull")[0] == "DiskFull"
    assert names.like("NothingLikeIt") == []


def test_of_many_names_embeddings_confirm_forms_and_set_the_order() -> None:
    halted = {"ThanosCompactHalted": [1.0, 0.0], "ThanosCompactorHalted": [0.96, 0.28]}
    assert Names(halted, words).like("ThanosCompactHalted") == []
    known = {"DiskFull": [1.0, 0.0], "DiskSpaceLow": [0.0, 1.0], "HostOutOfDiskSpace": [0.6, 0.8]}
    assert Names(known, words, known).like("DiskFull") == ["HostOutOfDiskSpace", "DiskSpaceLow"]


def test_the_vocabulary_says_each_thing_once() -> None:
    ways = [way for line in VOCABULARY.split("\n") for way in line.partition(": ")[2].split(", ") if way]
    assert sorted(ways) == sorted(set(ways))


def test_every_term_that_has_a_kind_can_be_said() -> None:
    said = {term for line in VOCABULARY.split("\n") for term in line.partition(": ")[0].split()}
    unknown_words = {"job", "kubelet", "namespace", "volume", "partition", "mount", "prometheus"}
    named = {
        *RUNS_OUT,
        *LEVELS,
        *STATES,
        *ENOUGH,
        *KUBERNETES,
        *IMPLIED,
        *(t for ts in IMPLIED.values() for t in ts),
    }
    assert named - said == unknown_words


def test_a_name_in_common_terms() -> None:
    assert terms(tuple(words("NodeFilesystemAlmostOutOfSpace"))) == {"disk", "full"}
    assert terms(tuple(words("KubernetesPodCrashLooping"))) == {"pod", "crashloop"}
    assert terms(tuple(words("Nginx5xxErrorsHigh"))) == {"nginx", "#5xx", "error"}
    assert terms(tuple(words("K8sNodeNotReady"))) == {"host", "notready"}
