"""Alertmanager's default title shows label values without their names; this guesses which is which.

The order helps: group labels come first (alertname, then by name), the other common labels follow in
parentheses, by name. So `service` stands just before `severity`, `job` just after `instance`, and
`prometheus` (`namespace/name`) between `pod` and `service`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ratchet.alerts.words import CERTAIN_SEVERITIES, POSSIBLE_SEVERITIES

MAX_WORD = 150  # no label value that names something is longer

_ADDRESS = re.compile(
    r"^(?:\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+|\[?[0-9a-fA-F:]+\]?):\d{1,5}$|^\d{1,3}(?:\.\d{1,3}){3}$"
)
_NAME = re.compile(r"^[A-Za-z][\w.@+,-]*$")
_POD_HASH = re.compile(r"-(?=[a-z0-9]*\d)[a-z0-9]{5}$|-[0-9a-f]{6,10}-[a-z0-9]{5}$|-\d+$")
_PLACE = re.compile(
    r"""^(?:
      (?:[a-z0-9]+[-_])?(?:prod|production|prd|staging|stage|stg|dev|development|test|qa|uat|preprod|sandbox)
        (?:[-_][\w-]+|\d+)?
    | live | global
    | [a-z]{2,3}-[a-z]+-\d[a-z]?
    | (?:us|eu|ap|sa|ca|af|me|uk|de|asia|europe)(?:[-_][\w-]+|\d+[a-z]?|(?:north|south|east|west|central)\w*)?
    | [\w-]*cluster[\w-]* | k8s(?:-\w+)? | dc\d* | az\d* | region\d*
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"^(?:kube-system|kube-public|default|monitoring|observability|openshift-[\w-]+|[\w-]+-system)$"
)
_EXPORTER = re.compile(
    r"kube-state-metrics|^(?:k8s|kubernetes)-(?:pods|nodes|cadvisor|service-endpoints)$|exporter$"
)
_PORT_NAMES = frozenset(
    [
        "http",
        "https",
        "http-metrics",
        "https-metrics",
        "metrics",
        "http-web",
        "reloader-web",
        "grpc",
        "main",
        "ext4",
        "xfs",
        "tmpfs",
        "overlay",
        "nfs",
    ]
)
_STATES = frozenset({"true", "false", "up", "down", "enabled", "disabled", "all", "any"})
_SERVICE_LIKE = re.compile(
    r"(?:^|[-_])(?:api|svc|service|server|worker|gateway|frontend|backend|db|app|proxy|web|cache|queue|ui)s?$",
    re.IGNORECASE,
)
_COMPOUND = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2,}[a-z]|^[A-Z]{2,}\d*$|[A-Z]\w*[_-]\w")
_CAMEL = re.compile(r"^\w*[a-z]\w*[A-Z]\w*$")
_ALERTISH = re.compile(
    r"""down|high|low|err(?:or)?s?|fail|laten|crash|expir|missing|lag|full|unavail|slow|usage|rate|saturat|stuck
    |restart|unhealthy|memory|cpu|disk|space|load|timeout|oom|dead|absent|exceed|burn|backlog|drop|limit|overload
    |too|many|not|no|above|below|over|under|watchdog|alert|loss|spike|pressure|degraded|unreachable|throttl""",
    re.VERBOSE | re.IGNORECASE,
)
_JOINING = frozenset(
    ["is", "on", "in", "for", "the", "a", "of", "to", "and", "at", "with", "has", "by", "from"]
)


def severity_among(values: Sequence[str]) -> int | None:
    """The place of the value that is the severity, None when there is none."""
    lowered = [value.lower() for value in values]
    for vocabulary in (CERTAIN_SEVERITIES, POSSIBLE_SEVERITIES):
        for at, value in enumerate(lowered):
            if value in vocabulary:
                return at
    return None


def looks_like_alert(word: str) -> bool:
    """CamelCase, or words that name a fault; a namespace, a host or a place does not."""
    if len(word) > MAX_WORD:
        return False
    if _CAMEL.match(word):
        return True
    if _ADDRESS.match(word) or _PLACE.match(word) or "/" in word:
        return False
    if word[:1].isupper():
        return True
    return ("_" in word or "-" in word) and _ALERTISH.search(word) is not None


def split_name(prefix: str) -> tuple[str | None, list[str]]:
    """`HighErrorRate prod-eu1 checkout` -> (`HighErrorRate`, [the rest]); no name: (None, all)."""
    words = prefix.split()
    if not words or len(words[0]) > MAX_WORD:
        return None, words
    if _PLACE.match(words[0]) and len(words) > 1 and _CAMEL.match(words[1]) and not _CAMEL.match(words[0]):
        return words[1], [words[0], *words[2:]]
    if _COMPOUND.search(words[0]) and looks_like_alert(words[0]):
        return words[0], words[1:]
    end = _last_fault_word(words)
    if end > 1:
        return " ".join(words[:end]), words[end:]
    return (words[0], words[1:]) if looks_like_alert(words[0]) else (None, words)


def _last_fault_word(words: Sequence[str]) -> int:
    """How many leading words make up a name in plain words, such as `High CPU usage`."""
    end = 0
    for at, word in enumerate(words, 1):
        if len(word) > MAX_WORD or _PLACE.match(word) or _ADDRESS.match(word) or "/" in word:
            break
        if at > 1 and ("-" in word or "_" in word):
            break
        if _ALERTISH.search(word) and word.lower() not in _JOINING:
            end = at
    return end


def service_among(group: Sequence[str], common: Sequence[str]) -> str | None:
    """The value that most likely names the service; None when none can."""
    cut = severity_among(group)
    kept = _candidates(group[:cut] if cut else group if cut is None else group[1:])
    if kept:
        return _best(kept)
    at = severity_among(common)
    before = list(common if at is None else common[:at])
    return _by_place(before)


def service_in_whole_set(values: Sequence[str]) -> str | None:
    """The same for `group_by: ['...']`, where one list holds every value in label order."""
    at = severity_among(values)
    return _by_place(list(values if at is None else values[:at]))


def _by_place(before: Sequence[str]) -> str | None:
    """By neighbours: after a `namespace/name`, after an address, else by what the words look like."""
    before = [value[:MAX_WORD] for value in before]
    slashes = [at for at, value in enumerate(before) if _is_prometheus(value)]
    if slashes and (after := _candidates(before[slashes[-1] + 1 :])):
        return after[-1] if not _EXPORTER.search(after[-1]) else _best(_candidates(before) or after)
    addresses = [at for at, value in enumerate(before) if _ADDRESS.match(value)]
    if addresses and (after := _candidates(before[addresses[-1] + 1 :])):
        return _best(after)
    kept = _candidates(before)
    return _best(kept) if kept else None


def _is_prometheus(value: str) -> bool:
    return bool(re.fullmatch(r"[a-z][\w-]*/[a-z][\w-]*", value)) and not value.startswith("probes/")


def _candidates(values: Sequence[str]) -> list[str]:
    return [value for value in values if len(value) <= MAX_WORD and _may_be_service(value)]


def _may_be_service(value: str) -> bool:
    if not _NAME.match(value) or _ADDRESS.match(value) or _PLACE.match(value):
        return False
    if value[:1].isupper():
        return not _ALERTISH.search(value)
    return value not in _PORT_NAMES and value.lower() not in _STATES


def _best(values: Sequence[str]) -> str:
    """A service-like word, else the last that is no exporter, system namespace or pod."""
    plain = [value for value in values if not _SYSTEM.match(value)] or list(values)
    plain = [value for value in plain if not _EXPORTER.search(value)] or plain
    named = [value for value in plain if _SERVICE_LIKE.search(value)]
    if named:
        return named[-1]
    plain = [value for value in plain if not _POD_HASH.search(value)] or plain
    return plain[-1]
