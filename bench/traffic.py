"""Live events: what a Socket Mode connection of a busy workspace carries."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench.corpus import Corpus, as_event
from localslack.model import Json


@dataclass(slots=True)
class Traffic:
    """`next` makes one event after the other, of messages posted now. No two have the same ts."""

    corpus: Corpus
    edit_share: float = 0.04
    reaction_share: float = 0.06
    said: list[tuple[str, Json]] = field(default_factory=list)
    last: float = 0.0

    def next(self) -> Json:
        dice = self.corpus.dice
        roll = dice.random()
        if self.said and roll < self.edit_share:
            return self._edit(*dice.choice(self.said))
        if self.said and roll < self.edit_share + self.reaction_share:
            return self._reaction(*dice.choice(self.said))
        return self.message()

    def message(self) -> Json:
        """A new message or alert; 40 % of the messages are replies."""
        channel = self.corpus.dice.choice(self.corpus.channel_ids)
        message = self.corpus.next(channel, self.now())
        if "user" in message:
            self.said.append((channel, message))
            del self.said[:-50]
        return as_event(channel, message)

    def alert(self, channel: str, *, resolve: bool = False) -> Json:
        return as_event(channel, self.corpus.alert(channel, f"{self.now():.6f}", resolve=resolve))

    def now(self) -> float:
        """Seconds since the UTC epoch, later than ever before by a microsecond at least."""
        self.last = max(time.time(), self.last + 0.000_01)
        return self.last

    def _edit(self, channel: str, message: Json) -> Json:
        at = f"{self.now():.6f}"
        previous = {key: value for key, value in message.items() if key != "reactions"}
        message |= {
            "text": f"{message['text']} (edited)",
            "edited": {"user": message["user"], "ts": at},
            "blocks": [],
        }
        new = {key: value for key, value in message.items() if key != "reactions"}
        return {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "channel": channel,
            "channel_type": "channel",
            "ts": at,
            "event_ts": at,
            "message": new,
            "previous_message": previous,
        }

    def _reaction(self, channel: str, message: Json) -> Json:
        return {
            "type": "reaction_added",
            "user": self.corpus.user(),
            "reaction": "eyes",
            "item": {"type": "message", "channel": channel, "ts": message["ts"]},
            "item_user": message["user"],
            "event_ts": f"{self.now():.6f}",
        }
