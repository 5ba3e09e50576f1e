"""A help thread has gone quiet: shall its answer go into the documents? Asked once, or never."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ratchet.domain.effects import Annotate, AskApproval, Effect, Footer, LookLater, Reply
from ratchet.domain.gaps import Compared, HelpThread
from ratchet.domain.messages import Channel, MessageRef
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.reports.gaps import Asked, judged, proposal
from ratchet.reports.gaps_text import cut, safe, safe_code
from ratchet.reports.help import addresses, answered, asks, commands, spoken
from ratchet.reports.stale import stale_hints

MODULE: Final = "suggest_docs"
KINDS: Final = frozenset({"public", "private"})
# An answer that nobody confirmed must have so many words, or a command.
ENOUGH_WORDS: Final = 25
MAX_ANSWER: Final = 300
EXPIRES_S: Final = 7 * 86_400.0
_WORD: Final = re.compile(r"[^\W_]{2,}")


class QuietThreads(Protocol):
    """What is read of a thread that has gone quiet."""

    async def help_thread(self, root: MessageRef) -> HelpThread | None: ...

    async def compared(self, refs: Sequence[MessageRef], addresses: Sequence[str]) -> Compared: ...


@dataclass(frozen=True, slots=True)
class WatchThreads:
    """Looks at a thread again when nobody has written in it for a while. Where the channel wants it so."""

    name: str = MODULE
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        message, channel = trigger.message, trigger.channel
        return (
            channel.manners.suggest_docs
            and channel.kind in KINDS
            and channel.speaks
            and not channel.archived
            and message.sender.kind == "person"
            and not trigger.edited
            # A thread begins to matter with an answer.
            and message.parent_ts is not None
        )

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message, after = trigger.message, trigger.channel.manners.quiet_minutes * 60.0
        return [LookLater(message.channel_id, message.thread_ts, after)]


@dataclass(frozen=True, slots=True)
class SuggestDocs:
    """What to say about a quiet thread, by rules alone. `consider` decides once: it marks the thread.

    `proposes`: a yes has the change itself proposed; else it says what would be written, for a person.
    """

    threads: QuietThreads
    links: Permalinks
    proposes: bool = False

    async def consider(self, root: MessageRef, channel: Channel) -> Sequence[Effect]:
        """Nothing while there is no answer that is worth keeping: it may still come."""
        thread = await self.threads.help_thread(root)
        if thread is None or not asks(thread) or (answer := answered(thread)) is None:
            return []
        said = (thread.root, *thread.replies)
        named = sorted({address for one in said for address in addresses(one.text)})
        compared = await self.threads.compared([root, answer.reply.ref], named)
        asked = judged(thread, compared)
        if stale_hints([thread], compared) or (asked.documented is None and worth_keeping(asked)):
            return [_mark(root, "asked"), self._ask(asked, compared, channel)]
        if asked.documented is None:
            return []
        return [_mark(root, "documented"), *self._documented(asked, channel)]

    def _documented(self, asked: Asked, channel: Channel) -> list[Effect]:
        """One line, where it may speak by itself and nobody named the page."""
        found = asked.documented
        assert found is not None
        if channel.mode != "auto" or found.by == "link" or not found.page.url:
            return []
        where = f"{found.page.title} › {found.heading}" if found.heading else found.page.title
        text = f"This is documented: [{safe(where)}]({found.page.url})."
        return [Reply(asked.root.channel_id, asked.root.ts, text, Footer(MODULE))]

    def _ask(self, asked: Asked, compared: Compared, channel: Channel) -> AskApproval:
        root = asked.root
        review = channel.manners.review_channel if channel.manners.suggest_in_review else None
        elsewhere = review is not None and channel.kind == "public"
        markdown = self._wrong(asked, compared) or self._missing(asked)
        if elsewhere:
            link = self.links(root.channel_id, root.ts, root.ts)
            markdown = f"About [a thread]({link}) in #{safe(channel.name)}:\n{markdown}"
        return AskApproval(
            review if elsewhere and review else root.channel_id,
            "" if elsewhere else root.ts,
            markdown,
            () if self.proposes else (self._what_to_do(asked),),
            root.author,
            (root.channel_id, root.ts),
            Footer(MODULE),
            expires_s=EXPIRES_S,
            form="suggest_docs",
        )

    def _missing(self, asked: Asked) -> str:
        answer = asked.answer
        assert answer is not None
        reply = answer.reply
        link = self.links(reply.channel_id, reply.ts, asked.root.ts)
        page = proposal([asked])
        where = (
            f"a section in **{safe(page.add_to.page.title)}** (`{page.add_to.page.path}`)"
            if page.add_to
            else f"a new page, `{page.path}`"
        )
        return (
            f"No document answers “{safe(page.title)}”. Does [this answer]({link}) belong into the documents?"
            f" It would go to {where}.\n> {safe_code(cut(reply.text, MAX_ANSWER))}"
        )

    def _wrong(self, asked: Asked, compared: Compared) -> str | None:
        hints = stale_hints([asked.thread], compared)
        if not hints:
            return None
        hint = hints[0]
        page = f"[{safe(hint.page.title)}]({hint.page.url})" if hint.page.url else f"`{hint.page.path}`"
        link = self.links(hint.message.channel_id, hint.message.ts, asked.root.ts)
        return f"[Somebody says]({link}) that {page} should be changed. Shall it be?\n> {safe(hint.quote)}"

    def _what_to_do(self, asked: Asked) -> Reply:
        """The page's outline with its sources, for who writes it."""
        page = proposal([asked])
        lines = [f"**{safe(page.title)}**"]
        for section in page.outline:
            lines.append(f"_{section.heading}_")
            for point in section.points:
                link = self.links(point.message.channel_id, point.message.ts, point.thread_ts)
                lines.append(f"- {safe_code(cut(point.text, MAX_ANSWER))} ([source]({link}))")
        path = page.add_to.page.path if page.add_to else page.path
        text = "\n".join([f"This could stand in `{path}`:", *lines])
        return Reply(asked.root.channel_id, asked.root.ts, text, Footer(MODULE))


def worth_keeping(asked: Asked) -> bool:
    """Whether an answer is one: the asker said so, or there is enough to it."""
    answer = asked.answer
    if answer is None or answer.reply.author == asked.root.author:
        return False
    words = len(_WORD.findall(spoken(answer.reply.text)))
    return answer.confirmed or bool(commands(answer.reply.text)) or words >= ENOUGH_WORDS


def _mark(root: MessageRef, outcome: str) -> Annotate:
    return Annotate(root.channel_id, root.ts, {"suggest_docs": outcome})
