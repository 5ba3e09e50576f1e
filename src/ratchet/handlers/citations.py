"""What may stand in an answer that a model wrote: no link that no tool gave, nobody pinged. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

# Every repeat is bounded, so that no text takes long.
_CODE: Final = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_SCHEME: Final = r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}://|www\.|mailto:|javascript:|data:)"
_URL: Final = re.compile(_SCHEME + r"[^\s<>|`\"]+")
_LINK: Final = re.compile(
    r"!?\[(?P<label>[^\]]{0,500})\]\([ \n]?<?(?P<target>[^)\s>]{0,500})>?(?:\s[^)]{0,300})?\)"
    rf"|<(?P<slack>{_SCHEME}[^|>\s]{{0,2000}})(?:\|(?P<name>[^>]{{0,500}}))?>"
    rf"|(?P<bare>{_URL.pattern})"
)
_PING: Final = re.compile(
    r"<!(?:subteam\^\w{1,20}\|)?@?(?P<group>[^>|^]{0,80})[^>]{0,80}>"
    r"|<@(?P<user>[A-Z0-9]{1,20})(?:\|(?P<label>[^>]{0,80}))?>"
)
_CHANNEL: Final = re.compile(r"<#(?P<id>[A-Z0-9]{1,20})(?:\|(?P<label>[^>\n]{0,80}))?>")
_OPENS_PING: Final = re.compile(r"<(?=[!@])")
_PASSES: Final = 5
_TRAILING: Final = ".,;:!?'\"*_~)]}"
# A host, a path and a query without a scheme: Slack may link it all the same.
_HOST: Final = re.compile(
    r"(?<![\w@/.:-])(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?::\d{1,5})?/[^\s<>|`\"?#]{0,500}\?[^\s<>|`\"]+"
)
# Nothing leaves the reader's machine or network by these.
_NEAR: Final = re.compile(
    r"[a-z]{1,20}://(?:[^@/\s]{0,100}@)?(?:localhost|127\.[\d.]{1,12}|\[::1\]|[\w-]{1,63}"
    r"|[\w.-]{1,200}\.(?:local|internal|svc))(?![\w.-])",
    re.IGNORECASE,
)
_LINK_KEYS: Final = frozenset({"permalink", "permalinks"})
REMOVED: Final = "(link removed)"


@dataclass(frozen=True, slots=True)
class Known:
    """What an answer may rest on.

    `permalinks` stay links. `urls` stood word for word in what the model read: they are shown, but not as
    links, since whoever wrote that message chose them. `names` maps ids of people and channels to names.
    """

    permalinks: Set[str] = field(default_factory=frozenset)
    urls: Set[str] = field(default_factory=frozenset)
    names: Mapping[str, str] = field(default_factory=dict)


def permalinks(data: Any) -> Iterator[str]:
    """Every permalink in a tool's result, by the name of its field."""
    for key, value in _fields(data):
        if key in _LINK_KEYS and isinstance(value, str):
            yield value


def urls(data: Any) -> Iterator[str]:
    """Every address in the texts of a tool's result."""
    for _, value in _fields(data):
        if isinstance(value, str):
            for pattern in (_URL, _HOST):
                for match in pattern.finditer(value):
                    yield match[0].rstrip(_TRAILING)


def _fields(data: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _fields(value, name)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _fields(value, key)
    else:
        yield key, data


def clean(text: str, known: Known) -> str:
    """The answer with every link that no tool gave taken out, and every mention turned into a plain name."""
    text = closed(text)
    for _ in range(_PASSES):
        cleaned = _cleaned_once(text, known)
        if cleaned == text:
            return cleaned
        text = cleaned
    # Taking a link out of a link made a new one each time: nobody writes so in good faith.
    return text.replace("](", "] (")


def closed(text: str) -> str:
    """The text with its last block of code ended, where its writer did not: else no link after it is one.

    It ends with its paragraph or its quote, and before a line with a link.
    """
    for block in _CODE.finditer(text):
        code, before = block[0], text[: block.start()]
        margin = before.rpartition("\n")[2]
        ended = len(code) > 5 and code.endswith("```")
        if not ended and code.startswith("```") and not margin.strip(" \t>"):
            first, *rest = code.split("\n")
            end = next((n for n, line in enumerate(rest) if _after(line, margin)), len(rest))
            return "\n".join([before + first, *rest[:end], f"{margin}```", *rest[end:]])
    return text


def _after(line: str, margin: str) -> bool:
    """Whether a line is no code any more of a block that began after `margin`."""
    if ">" in margin:
        return not line.lstrip().startswith(">")
    return not line.strip() or "](" in line


def _cleaned_once(text: str, known: Known) -> str:
    parts = _CODE.split(text)
    # The pattern has one group, so code stands at the odd places.
    linked = (
        _code(part, known) if place % 2 else _hosts(_without_links(part, known), known)
        for place, part in enumerate(parts)
    )
    return unpinged("".join(linked), known.names).strip()


def unpinged(text: str, names: Mapping[str, str]) -> str:
    """The text with mentions of people, groups and channels as plain words, so that it notifies nobody.

    `names`: of people and channels by id.
    """

    def plain(match: re.Match[str]) -> str:
        if match["user"] is not None:
            return f"@{match['label'] or names.get(match['user']) or 'someone'}"
        return match["group"] or "group"

    # What is left of nested ones must not become one either.
    return _OPENS_PING.sub("‹", _PING.sub(plain, channels_named(text, names)))


def channels_named(text: str, names: Mapping[str, str]) -> str:
    """The text with `#name` for each channel, and no id where the name is not known."""
    return _CHANNEL.sub(lambda found: f"#{found['label'] or names.get(found['id']) or 'channel'}", text)


def cites(text: str, but: str = "") -> bool:
    """Whether a cleaned answer links what it rests on. `but`: an address that does not count."""
    found = (match for part in _CODE.split(text)[::2] for match in _LINK.finditer(part))
    return any(
        (match["target"] or match["slack"] or match["bare"]).rstrip(_TRAILING) != but for match in found
    )


def _without_links(text: str, known: Known) -> str:
    def judged(match: re.Match[str]) -> str:
        if match["bare"] is not None:
            return _bare(match["bare"], known)
        target = match["target"] if match["target"] is not None else match["slack"]
        label = match["label"] if match["label"] is not None else match["name"]
        if not _permitted(target, known):
            return _shown(target, label, known)
        return f"[{_without_links(label, known) if label else 'message'}]({html.unescape(target)})"

    return _LINK.sub(judged, text)


def _code(part: str, known: Known) -> str:
    """What looks like code. Slack may see it otherwise (a quote ends, a sign is escaped), and link it."""

    def judged(match: re.Match[str]) -> str:
        core = match[0].rstrip(_TRAILING)
        read = html.unescape(core) in known.urls or _permitted(core, known) or _NEAR.match(core)
        return match[0] if read else f"{REMOVED}{match[0][len(core) :]}"

    return _HOST.sub(judged, _URL.sub(judged, part))


def _hosts(text: str, known: Known) -> str:
    def judged(match: re.Match[str]) -> str:
        core = match[0].rstrip(_TRAILING)
        return _shown(core, None, known) + match[0][len(core) :]

    return _HOST.sub(judged, text)


def _bare(url: str, known: Known) -> str:
    core = url.rstrip(_TRAILING)
    rest = url[len(core) :]
    return (html.unescape(core) if _permitted(core, known) else _shown(core, None, known)) + rest


def _shown(url: str, label: str | None, known: Known) -> str:
    """A link that must not be one: its label, and the address as code when it was read somewhere."""
    words = _without_links(label, known) if label else ""
    if html.unescape(url) in known.urls:
        return f"{words} `{url}`".strip()
    return words or REMOVED


def _permitted(url: str, known: Known) -> bool:
    return html.unescape(url) in known.permalinks
