"""People set their channel in words: what is asked first, and what is not asked at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ratchet.domain.channels import Changes
from ratchet.domain.effects import AskApproval, Effect, Footer, Reply, SetManners
from ratchet.domain.messages import Channel, ChannelMode, SenderKind
from ratchet.handlers.configure import ELSEWHERE, Configure
from tests.unit.handlers.talking import HELP, LINKS, ME, REVIEW, People, heard, person

ASKED = "1800000000.000000"
SECRET = Channel("G0SEC", "security", kind="private")


async def said(text: str, channel: Channel = HELP, *others: Channel) -> Sequence[Effect]:
    handler = Configure(People((HELP, REVIEW, SECRET, *others)), LINKS)
    trigger = heard(person(ASKED, f"<@{ME}> {text}"), channel)
    assert handler.wants(trigger)
    return await handler.handle(trigger)


async def test_it_asks_first_and_shows_what_is_and_what_would_be() -> None:
    assert await said("answer questions here on your own") == [
        AskApproval(
            HELP.id,
            ASKED,
            "Shall I behave so in this channel, as [Ana](https://team.slack.com/archives/C0HELP/p1800000000000000) asks?\n"
            "- `mode`: mention → **auto**\n"
            "\nI answer questions that nobody has answered yet by myself, when the record has the answer, a few an"
            " hour at most.",
            (SetManners(HELP.id, {}, "auto"),),
            "U0ANA",
            (HELP.id, ASKED),
            Footer("configure"),
        )
    ]


@pytest.mark.parametrize(
    ("text", "mode", "changes", "line"),
    [
        ("only answer when mentioned", "mention", {}, "- `mode`: auto → **mention**"),
        ("turn yourself off here", "off", {}, "- `mode`: auto → **off**"),
        ("stop posting runbooks here", None, {"runbooks": False}, "- `runbooks`: on → **off**"),
        ("take follow-ups without a mention", None, {"follow_ups": True}, "- `follow_ups`: off → **on**"),
    ],
)
async def test_each_change_is_the_one_that_is_shown(
    text: str, mode: ChannelMode | None, changes: Changes, line: str
) -> None:
    [ask] = await said(text, replace(HELP, mode="auto"))
    assert isinstance(ask, AskApproval)
    assert ask.effects == (SetManners(HELP.id, changes, mode),)
    assert [one for one in ask.markdown.splitlines() if one.startswith("- ")] == [line]


async def test_who_switches_it_off_is_told_that_words_do_not_bring_it_back() -> None:
    [ask] = await said("turn yourself off here")
    assert isinstance(ask, AskApproval)
    assert "only an operator can" in ask.markdown


async def test_what_is_so_already_needs_no_click() -> None:
    assert await said("only answer when mentioned") == [
        Reply(HELP.id, ASKED, "It is so already.", Footer("configure"))
    ]


async def test_drafts_need_a_channel_where_they_may_be_shown() -> None:
    [ask] = await said("show drafts in <#C0REVIEW|answers>")
    assert isinstance(ask, AskApproval)
    assert "- `mode`: mention → **draft**\n- `review_channel`: none → **#answers**" in ask.markdown
    assert ask.effects == (SetManners(HELP.id, {"review_channel": "C0REVIEW"}, "draft"),)
    [unknown] = await said("show drafts in <#C0NONE>")
    [itself] = await said("show drafts in <#C0HELP>")
    [leak] = await said("show drafts in <#C0REVIEW>", SECRET)
    assert [isinstance(one, Reply) for one in (unknown, itself, leak)] == [True] * 3
    assert isinstance(leak, Reply)
    assert "only what is said in public channels" in leak.markdown


async def test_the_name_of_a_private_channel_is_not_told() -> None:
    [ask] = await said("show drafts in <#G0SEC>")
    assert isinstance(ask, AskApproval)
    assert "**another channel**" in ask.markdown
    assert "security" not in ask.markdown


async def test_in_direct_messages_nothing_is_set() -> None:
    [reply] = await said("turn yourself off", replace(HELP, kind="im"))
    assert isinstance(reply, Reply)
    assert reply.markdown == ELSEWHERE


@pytest.mark.parametrize("kind", ["bot", "self", "system"])
def test_only_people_are_heard(kind: SenderKind) -> None:
    handler = Configure(People(), LINKS)
    text = f"<@{ME}> turn yourself off here"
    assert not handler.wants(heard(person(ASKED, text, kind=kind)))
    assert not handler.wants(heard(person(ASKED, "turn yourself off here")))
    assert not handler.wants(heard(person(ASKED, f"`{text}`")))
    assert not handler.wants(heard(person(ASKED, text), replace(HELP, mode="off")))
    assert not handler.wants(heard(person(ASKED, text), replace(HELP, external=True)))
