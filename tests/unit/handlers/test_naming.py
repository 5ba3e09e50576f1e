"""Names in place of ids, wherever people read them."""

from __future__ import annotations

import pytest

from ratchet.domain.messages import Channel
from ratchet.handlers.citations import unpinged
from ratchet.handlers.naming import MOST, ids_in, named
from ratchet.handlers.quotes import passage, quoted
from ratchet.llm.budget import Usage
from ratchet.llm.turn import TurnResult
from ratchet.tools.testing import MemoryRecord
from tests.unit.handlers.talking import HELP, LINKS, person

BO = person("1790000000.000000", "pruned it, see <#C0HELP> and <#C0OPS|ops>, <@U0ANA>", "Bo")
RECORD = MemoryRecord([HELP, Channel("G0SECRET", "security", kind="private")], [BO])


async def read(text: str, visible_from: str = HELP.id) -> str:
    return (await named(TurnResult(text, "scripted", Usage()), RECORD, visible_from)).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U0BO> did", "@Bo did"),
        ("<@U0BO|bobby> did", "@Bo did"),
        ("U0BO did", "@Bo did"),
        ("@U0BO did, in <#C0HELP>", "@Bo did, in #help"),
        ("in C0HELP, by U0BO.", "in #help, by @Bo."),
        ("<@U0NOBODY> did", "<@U0NOBODY> did"),
        ("`<@U0BO>` and ```U0BO```", "`<@U0BO>` and ```U0BO```"),
        (
            "https://team.slack.com/archives/C0HELP/p1?cid=C0HELP",
            "https://team.slack.com/archives/C0HELP/p1?cid=C0HELP",
        ),
        ("message C0HELP:1790000000.000000", "message C0HELP:1790000000.000000"),
        ("COMPLETED WITHOUT U0BOB", "COMPLETED WITHOUT U0BOB"),
    ],
)
async def test_a_model_that_writes_ids_is_read_with_names(text: str, shown: str) -> None:
    assert await read(text) == shown


async def test_the_name_of_a_private_channel_is_told_in_it_alone() -> None:
    assert await read("in <#G0SECRET>") == "in <#G0SECRET>"
    assert await read("in <#G0SECRET>", "G0SECRET") == "in #security"


def test_what_is_looked_up_is_bounded() -> None:
    assert len(ids_in(" ".join(f"<@U0{n:05}>" for n in range(1000)))) == MOST


def test_quotes_have_names_and_no_ids() -> None:
    assert "> pruned it, see #channel and #ops, @someone" in passage(BO.text, "pruned", {})
    assert "#help and #ops, @Ana" in passage(BO.text, "pruned", {"U0ANA": "Ana", "C0HELP": "help"})
    nameless = person("1790000000.000000", "pruned it", "")
    assert "— someone, 2026-09-21" in quoted(nameless, "pruned", LINKS, {})


def test_what_is_left_pings_nobody() -> None:
    assert unpinged("<!here> <@U1> <#C1> <#C1|ops>", {}) == "here @someone #channel #ops"
