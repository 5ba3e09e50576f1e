"""Standard Markdown -> Slack's mrkdwn and plain text, and the defusing of group pings. Pure."""

from __future__ import annotations

import re
from typing import Final

from ratchet.slack.split import FENCE

_GROUPS: Final = r"here|channel|group|everyone"
_PING: Final = re.compile(
    rf"(?:<|&lt;)\\?!\s*(?:(?P<name>{_GROUPS})|subteam\b[^>|&]{{0,100}})(?:\|(?P<label>[^>]{{0,200}}?))?(?:>|&gt;)",
    re.IGNORECASE,
)
_PING_START: Final = re.compile(rf"(<|&lt;)(?=\\?!\s*(?:{_GROUPS}|subteam))", re.IGNORECASE)
_AT: Final = re.compile(rf"(?<![\w/])@(?=(?:{_GROUPS})\b)", re.IGNORECASE)
_BREAK: Final = "\u200b"  # zero width space: reads the same, pings nobody

_CODE: Final = re.compile(r"(?<!`)(`{1,20})(?!`)(.{1,500}?)(?<!`)\1(?!`)")
_SPECIAL: Final = re.compile(
    r"!?\[(?P<label>[^\[\]\n]{0,300})\]\(<?(?P<url>(?:https?://|mailto:)[^()\s<>|]{1,2000})>?(?:\s+\"[^\"\n]{0,200}\")?\)"
    r"|<(?P<auto>(?:https?://|mailto:)[^\s<>|]{1,2000})(?:\|(?P<auto_label>[^<>\n]{0,300}))?>"
    r"|(?P<bare>https?://[^\s<>|\x02\x03]{1,1999}[^\s<>|.,;:!?)\]'\"*_~`\x02\x03])"
    r"|(?P<mention><[@#][A-Z0-9]{1,64}(?:\|[^<>\n]{0,100})?>)"
)
_ESCAPED_MENTION: Final = re.compile(r"&lt;([@#][A-Z0-9]{1,64})&gt;")
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*")
_BULLET: Final = re.compile(r"([ \t]*)[-*+][ \t]+")
_QUOTE: Final = re.compile(r"((?:>[ \t]?)+)")
_STYLES: Final = (
    (re.compile(r"(?<!\w)\*\*(?=\S)((?:[^*\n]|\*(?!\*)){1,300}?)(?<=\S)\*\*(?!\w)"), "\x01\\1\x01"),
    (re.compile(r"(?<!\w)__(?=\S)((?:[^_\n]|_(?!_)){1,300}?)(?<=\S)__(?!\w)"), "\x01\\1\x01"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s*])\*(?![\w*])"), r"_\1_"),
    (re.compile(r"~~(?=\S)([^~\n]{1,300}?)(?<=\S)~~"), r"~\1~"),
)


def defuse(text: str) -> str:
    """`text` in which nothing notifies a whole channel or a user group, in Markdown as in mrkdwn."""
    text = _PING.sub(lambda match: f"@{(match['label'] or match['name'] or 'group').lstrip('@')}", text)
    return _AT.sub(f"@{_BREAK}", _PING_START.sub(rf"\1{_BREAK}", text))


def escape(text: str) -> str:
    """`text` with Slack's three control characters written as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def to_mrkdwn(markdown: str) -> str:
    """The same in Slack's own dialect. Links are kept only for http, https and mailto."""
    lines, closing = [], ""
    for line in markdown.split("\n"):
        fence = FENCE.fullmatch(line)
        if fence and not closing:
            closing = fence[2]
            lines.append("```")
        elif fence and fence[2].startswith(closing) and not fence[3].strip():
            closing = ""
            lines.append("```")
        else:
            lines.append(escape(line) if closing else _line(line))
    return defuse("\n".join(lines))


def to_plain(markdown: str, limit: int) -> str:
    """One line of at most `limit` characters before escaping: what a notification shows. Pings nobody."""
    text = re.sub(r"(?m)^[ \t]*(?:`{3,}|~{3,}).*$", " ", markdown[: limit * 8])
    text = _SPECIAL.sub(
        lambda match: match["label"] or match["auto_label"] or match["auto"] or match[0], text
    )
    text = re.sub(r"(?m)^[ \t]*(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-*+][ \t]+)", "", text)
    text = " ".join(re.sub(r"\*\*|__|~~|`", "", text).split())
    text = escape(text if len(text) <= limit else text[: limit - 1].rstrip() + "…")
    return defuse(_ESCAPED_MENTION.sub(r"<\1>", text))


def _line(line: str) -> str:
    quote = _QUOTE.match(line)
    if quote:
        return "> " + _line(line[quote.end() :])
    heading = _HEADING.fullmatch(line)
    if heading and heading[1]:
        return f"*{_inline(heading[1].replace('**', ''))}*"
    return _inline(_BULLET.sub("\\1• ", line, count=1) if _BULLET.match(line) else line)


def _inline(text: str) -> str:
    """Code and links are put aside, so that escaping and styling touch only what stands around them."""
    aside: list[str] = []

    def put_aside(piece: str) -> str:
        aside.append(piece)
        return f"\x02{len(aside) - 1}\x03"

    text = re.sub("[\x01-\x03]", "", text)
    text = _CODE.sub(lambda match: put_aside(f"`{escape(match[2])}`"), text)
    text = _SPECIAL.sub(lambda match: put_aside(match["mention"] or _link(match)), text)
    text = _style(escape(text))
    while "\x02" in text:  # a link's label may hold code that was put aside before it
        text = re.sub("\x02(\\d+)\x03", lambda match: aside[int(match[1])], text)
    return text


def _link(match: re.Match[str]) -> str:
    url = escape(match["url"] or match["auto"] or match["bare"])
    label = escape((match["label"] or match["auto_label"] or "").replace("|", "/")).strip()
    return f"<{url}|{label}>" if label else f"<{url}>"


def _style(text: str) -> str:
    for pattern, replacement in _STYLES:
        text = pattern.sub(replacement, text)
    return text.replace("\x01", "*")
