"""What people did, from what they wrote: commands, links, and the names of flags and services in code. Pure.

Two commands are the same when the program is, and when every argument of the one with fewer is one of the
other's. Options are left out; numbers, hashes and generated suffixes are taken out of the words. A command
that only looks (`kubectl get`, `df`) is a kind of its own: to look again is no fix.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["command", "look", "link", "name", "thread"]

# Every pattern is bounded: a person may post 40,000 characters of anything.
MAX_CHARS: Final = 8_000
MAX_WORDS: Final = 40
BLOCK: Final = re.compile(r"```(.{1,4000}?)```", re.DOTALL)
INLINE: Final = re.compile(r"`([^`\n]{2,400})`")
PROMPT: Final = re.compile(r"^[\w.@~:/\[\]-]{0,60}[$#%>]\s{1,4}(?=[A-Za-z])")
CONTINUED: Final = re.compile(r"\\\s{0,4}\n\s{0,40}")
NEXT_COMMAND: Final = re.compile(r"\s(?:&&|\|\||;|\|)\s|;\s")
PROGRAM: Final = re.compile(r"[a-z][a-z_.+-]{0,30}\d?")
STATEMENT: Final = re.compile(
    r"(?:ALTER|ANALYZE|CREATE|DELETE|DROP|INSERT|REINDEX|SELECT|SET|TRUNCATE|UPDATE|VACUUM|FLUSHALL|FLUSHDB)"
)
# Words that begin a line of output or of prose, not a command.
NO_PROGRAM: Final = re.compile(
    r"an?|and|are|as|at|but|by|caused|error|failed|for|from|have|i|in|is|it|no|not|of|on|or|so|still|that|the|"
    r"this|to|was|we|with|you|level|msg|time|warn|info|debug|fatal|panic"
)
BEFORE_PROGRAM: Final = frozenset({"sudo", "time", "nohup", "exec", "command", "watch"})
LOOKING_PROGRAM: Final = re.compile(
    r"cat|df|dig|du|free|grep|head|host|htop|iostat|journalctl|jq|less|ls|lsof|mtr|netstat|nslookup|ping|ps|ss|"
    r"strace|tail|top|traceroute|uptime|vmstat|wc"
)
LOOKING_VERB: Final = re.compile(
    r"--?(?:bigkeys|help|hotkeys|stat|status|version)|describe|diff|explain|get|history|info|list|log|logs|ls|ping|"
    r"show|slowlog|stat|status|top|version"
)
# Asking changes nothing, unless it says otherwise.
ASKING: Final = re.compile(r"curl|http|select|wget")
CHANGING: Final = re.compile(
    r"\s(?:-X|-d\b|--data|--request|POST|PUT|DELETE|PATCH)|_(?:backend|cancel|drop|promote|reload|reset|switch)\w*\(",
)
ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w{0,60}=.*")
GENERATED: Final = re.compile(
    r"-[a-f0-9]{8,10}-[a-z0-9]{5}$|(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{6,64}(?![a-z0-9])"
)
DIGITS: Final = re.compile(r"\d+")
PLACEHOLDER: Final = re.compile(r"[<{$].*|\.{3}|…")
EDGES: Final = "\"'()[]{},;:`"
IDENTIFIER: Final = re.compile(r"[A-Za-z][\w.:/-]{2,80}")
COMPOUND: Final = re.compile(r"[A-Za-z0-9][_.:/-][A-Za-z0-9]|[a-z][A-Z]")
COMPLAINT: Final = re.compile(
    r"error|exception|denied|refused|timeout|timed out|fatal|panic|exhausted|could not|not found",
    re.IGNORECASE,
)
LINK: Final = re.compile(r"https?://([^\s<>|)\]\"'`]{3,500})")
PERMALINK: Final = re.compile(r"[\w.-]{1,80}/archives/([CDG][A-Z0-9]{1,30})/p(\d{1,12})(\d{6})\b")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person did or pointed to. `words`: the arguments of a command."""

    kind: Kind
    name: str
    words: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join([self.name, *sorted(self.words)])


def actions_in(text: str, trivial: Collection[str] = ()) -> frozenset[Action]:
    """What the text names. `trivial`: names that say nothing here, such as the alert's own."""
    text = text[:MAX_CHARS]
    outside = BLOCK.sub(" ", text)
    known = {word.lower() for word in trivial if word}
    found = {*_links(text)}
    for block in BLOCK.findall(text):
        found.update(_commands(_lines(block)))
    for snippet in INLINE.findall(outside):
        if not COMPLAINT.search(snippet):
            found.update(_commands([PROMPT.sub("", snippet.strip())]))
        found.update(_names(snippet.strip(), known))
    return frozenset(found)


def changes_something(text: str) -> bool:
    """Whether the text names a command that does more than look."""
    if "`" not in text:
        return False
    text = text[:MAX_CHARS]
    if any(action.kind == "command" for block in BLOCK.findall(text) for action in _commands(_lines(block))):
        return True
    snippets = (one for one in INLINE.findall(BLOCK.sub(" ", text)) if not COMPLAINT.search(one))
    return any(
        action.kind == "command" for one in snippets for action in _commands([PROMPT.sub("", one.strip())])
    )


def useful(item: Iterable[Action], did: Iterable[Action]) -> frozenset[Action]:
    """Those of `did` that the item names too."""
    item = frozenset(item)
    return frozenset(action for action in did if any(same(action, other) for other in item))


def fixing(did: frozenset[Action]) -> frozenset[Action]:
    """Without those that only look, where there is anything else."""
    return frozenset(action for action in did if action.kind != "look") or did


def same(did: Action, other: Action) -> bool:
    """Whether `other` names what was done. A flag also counts where a command names it."""
    if did.kind == "name" and other.kind in ("command", "look"):
        return any(word == did.name or word.endswith(f"/{did.name}") for word in other.words)
    if did.kind != other.kind or did.name != other.name:
        return False
    fewer, more = sorted((did.words, other.words), key=len)
    return fewer <= more and len(fewer) >= min(2, len(more))


def cited(channel_id: str, *stamps: str) -> frozenset[Action]:
    """What a person does who links one of these messages."""
    return frozenset(Action("thread", f"{channel_id}:{ts}") for ts in stamps)


def _links(text: str) -> Iterator[Action]:
    for address in LINK.findall(text):
        if permalink := PERMALINK.match(address):
            channel, seconds, micros = permalink.groups()
            yield Action("thread", f"{channel}:{seconds}.{micros}")
        else:
            yield Action("link", re.split(r"[?#]", address)[0].rstrip("/.,;:!*_~").lower())


def _lines(block: str) -> list[str]:
    """The lines typed, without their prompts; where some have a prompt, the others are output."""
    lines = [line.strip() for line in CONTINUED.sub(" ", block).splitlines() if line.strip()]
    typed = [PROMPT.sub("", line) for line in lines if PROMPT.match(line)]
    return typed or lines


def _commands(lines: Iterable[str]) -> Iterator[Action]:
    for line in lines:
        for part in NEXT_COMMAND.split(line):
            if (command := _command(part.split()[:MAX_WORDS])) is not None:
                yield command


def _command(words: list[str]) -> Action | None:
    while words and (words[0] in BEFORE_PROGRAM or ASSIGNMENT.fullmatch(words[0])):
        words = words[1:]
    if len(words) < 2 or (words[1][0] in "=:-" and len(words[1]) == 1):
        return None
    program = words[0].rsplit("/", 1)[-1]
    if not (PROGRAM.fullmatch(program) or STATEMENT.fullmatch(program)) or NO_PROGRAM.fullmatch(program):
        return None
    arguments = frozenset(filter(None, map(plain, (w for w in words[1:] if not w.startswith("-")))))
    kind: Kind = "look" if _looks(program.lower(), words) else "command"
    return Action(kind, program.lower(), arguments) if arguments else None


def _looks(program: str, words: list[str]) -> bool:
    """The verb is among the first words: `kubectl -n shop get pods`."""
    if ASKING.fullmatch(program):
        return not CHANGING.search(" ".join(words))
    return bool(LOOKING_PROGRAM.fullmatch(program)) or any(LOOKING_VERB.fullmatch(w) for w in words[1:5])


def plain(word: str) -> str:
    """A word without what differs from one time to the next; "" for a placeholder or a bare number."""
    word = word.strip(EDGES).lower()
    if PLACEHOLDER.fullmatch(word):
        return ""
    word = DIGITS.sub("", GENERATED.sub("", word)).strip(EDGES + "-_.=/+*%")
    return word if re.search(r"[a-z]", word) else ""


def _names(snippet: str, known: Collection[str]) -> Iterator[Action]:
    if not IDENTIFIER.fullmatch(snippet) or not COMPOUND.search(snippet) or COMPLAINT.search(snippet):
        return
    name = plain(snippet)
    if name and snippet.lower() not in known and name not in known:
        yield Action("name", name)
