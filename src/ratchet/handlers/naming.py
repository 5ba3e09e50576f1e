"""Names in place of ids, in what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from ratchet.llm.turn import TurnResult
from ratchet.tools.base import NameReader

_CODE: Final = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
# As Slack writes them, or bare; not within an address, nor the id of a message (`C…:1700000000.000100`).
_ID: Final = re.compile(
    r"<[@#](?P<marked>[A-Z0-9]{3,20})(?:\|[^>\n]{0,80})?>"
    r"|(?<![\w/=:.&?-])[@#]?(?P<bare>[UWCG](?=[A-Z0-9]{0,20}[0-9])[A-Z0-9]{3,20})(?![\w/]|:\d)"
)
MOST: Final = 100


def ids_in(text: str) -> Collection[str]:
    """Ids of people and channels in a text, those in code left out; at most `MOST`."""
    found = {
        match["marked"] or match["bare"] for part in _CODE.split(text)[::2] for match in _ID.finditer(part)
    }
    return sorted(found)[:MOST]


async def named(result: TurnResult, names: NameReader, visible_from: str) -> TurnResult:
    """The same with names, as far as they are known and may be seen in the channel `visible_from`."""
    ids = ids_in(result.text)
    if not ids:
        return result
    known = await names.names_of(ids, visible_from=visible_from)

    def name(match: re.Match[str]) -> str:
        id_ = match["marked"] or match["bare"]
        return f"{'@' if id_[0] in 'UW' else '#'}{known[id_]}" if id_ in known else match[0]

    parts = _CODE.split(result.text)
    return replace(
        result, text="".join(part if place % 2 else _ID.sub(name, part) for place, part in enumerate(parts))
    )
