"""`@ratchet help`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ratchet.domain.channels import Manners
from ratchet.domain.effects import Footer, Reply
from ratchet.domain.messages import Channel
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.help import PROMPTS, Help, greeting
from tests.unit.handlers.talking import HELP, LINKS, ME, channel_in, heard, person, record

NIGHT = datetime(2027, 1, 15, 20, 0, tzinfo=UTC)


async def helped(channel: Channel = HELP, text: str = "help") -> str:
    trigger = heard(person("1800000000.000000", f"<@{ME}> {text}"), channel)
    assert Help().wants(trigger)
    [reply] = await Help().handle(trigger)
    assert isinstance(reply, Reply)
    assert reply.footer == Footer("help")
    assert not reply.feedback
    return reply.markdown


@pytest.mark.parametrize(
    "text", ["help", "Help!", "please help", "what can you do?", "what can you do here", "commands", ""]
)
async def test_who_asks_for_help_or_says_nothing_gets_it_and_not_the_assistant(text: str) -> None:
    assert (await helped(text=text)).startswith("Ask me about")
    assert not Assistant(record(), LINKS).wants(heard(person("1.0", f"<@{ME}> {text}")))


@pytest.mark.parametrize(
    "text", ["help me with the upload", "can you help?", "what can you do about DiskFull?", "helper"]
)
def test_who_asks_for_help_with_something_asks_the_assistant(text: str) -> None:
    assert not Help().wants(heard(person("1.0", f"<@{ME}> {text}")))
    assert Assistant(record(), LINKS).wants(heard(person("1.0", f"<@{ME}> {text}")))


async def test_it_says_how_it_behaves_here() -> None:
    assert "I answer who mentions me. I post runbooks under alerts." in await helped()
    auto = await helped(channel_in("auto", runbooks=False, follow_ups=True, quiet_until=NIGHT))
    assert "by myself what nobody answered" in auto
    assert "need not mention me again" in auto
    assert "I post no runbooks under alerts." in auto
    assert "Quiet until 2027-01-15 20:00 UTC" in auto
    assert "a person sees first" in await helped(channel_in("draft", review_channel="C0REVIEW"))


async def test_it_is_short() -> None:
    longest = await helped(channel_in("auto", follow_ups=True, quiet_until=NIGHT))
    assert len(longest) < 1_600


async def test_in_direct_messages_it_speaks_of_no_channel() -> None:
    direct = await helped(replace(HELP, kind="im"))
    assert "need not mention me" in direct
    assert "In this channel" not in direct


def test_it_is_silent_where_it_may_not_speak() -> None:
    asked = person("1.0", f"<@{ME}> help")
    assert not Help().wants(heard(asked, channel_in("off")))
    assert not Help().wants(heard(person("1.0", f"<@{ME}> help", kind="bot")))
    assert Help().wants(heard(asked, replace(HELP, external=True, manners=Manners(external_allowed=True))))


def test_what_is_offered_fits_slack_and_is_understood() -> None:
    assert greeting().startswith("Hello. Ask me about")
    assert 0 < len(PROMPTS) <= 4
    assert dict(PROMPTS)["What can you do?"] == "help"
