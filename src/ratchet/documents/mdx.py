"""MDX as Markdown: without imports, exports and tags of components. Code blocks stay as they are. Pure."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_MODULE: Final = re.compile(r"(?:import|export)[\s{*]")
_COMMENT: Final = re.compile(r"\{/\*[^*]*(?:\*(?!/)[^*]*)*\*/\}")
# A component begins with a capital or has a dot; `<>` and `</>` are fragments.
_TAG: Final = re.compile(r"</?(?:[A-Z][\w.]*|[a-z]\w*\.\w+)?(?:\s[^<>]*)?/?>")


def plain(text: str) -> str:
    """The same lines, where what is no Markdown is left out; it is linear in the length."""
    parts: list[str] = []
    prose: list[str] = []
    fence, in_module = "", False
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence or found:
            if not fence:
                parts.append(_prose(prose))
                prose, in_module = [], False
            parts.append(line)
            fence = _after(fence, line, found)
            continue
        in_module = bool(line.strip()) and (in_module or _MODULE.match(line) is not None)
        prose.append("" if in_module else line)
    parts.append(_prose(prose))
    return "\n".join(parts)


def _after(fence: str, line: str, found: re.Match[str] | None) -> str:
    """The fence that is open after the line."""
    if not fence:
        return found.group(1) if found else ""
    closes = found and found.group(1).startswith(fence) and not line.strip(" \t`~")
    return "" if closes else fence


def _prose(lines: list[str]) -> str:
    return _TAG.sub("", _COMMENT.sub("", "\n".join(lines)))
