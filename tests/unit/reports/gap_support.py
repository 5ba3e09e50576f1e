"""Threads of a help channel, and what stands near them in the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ratchet.domain.gaps import HelpRows, HelpThread, Near, Page, ThreadMessage, Vector
from ratchet.domain.messages import MessageRef

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 3, 31, tzinfo=UTC)
START = 1_772_500_000
LINK = "https://docs.example.com/blob/main/how-to/kafka.md"
KAFKA = Page("docs", "how-to/kafka.md", "Kafka on a laptop", LINK, "Start it with `make kafka-up`.\n")
PRINTER = Page("docs", "how-to/printer.md", "The printer", "", "Turn it off and on.")


def ts(minute: float) -> str:
    return f"{START + minute * 60:.6f}"


def said(
    minute: float,
    who: str,
    text: str,
    reactions: Mapping[str, Sequence[str]] | None = None,
    channel: str = "C1",
) -> ThreadMessage:
    return ThreadMessage(channel, ts(minute), who, text, reactions or {})


def thread(root: ThreadMessage, *replies: ThreadMessage) -> HelpThread:
    return HelpThread(root, replies)


def rows(*threads: HelpThread) -> HelpRows:
    people = {"UANA": "ana", "UBO": "bo", "UCY": "cy"}
    return HelpRows(SINCE, UNTIL, threads, {"C1": "help"}, people)


def near(message: ThreadMessage, page: Page, similarity: float) -> dict[MessageRef, Sequence[Near]]:
    return {message.ref: (Near(page, "", similarity),)}


def meaning(vector: Vector, *messages: ThreadMessage) -> dict[MessageRef, Vector]:
    return {message.ref: vector for message in messages}


def link(channel_id: str, at: str, thread_ts: str) -> str:
    suffix = "" if at == thread_ts else f"?thread_ts={thread_ts}"
    return f"https://team.slack.com/archives/{channel_id}/p{at.replace('.', '')}{suffix}"
