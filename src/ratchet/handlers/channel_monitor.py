"""Channel monitors: a model reads each message of a channel, the operator's executable acts on its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ratchet.domain.effects import Effect
from ratchet.domain.errors import Refused
from ratchet.domain.messages import Message
from ratchet.handlers.base import Handler, Trigger
from ratchet.handlers.monitor_file import Monitor, Monitors
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import MODEL_S, Executables, try_message
from ratchet.llm.turn import TurnRunner

MODULE: Final = "channel_monitor"


class MonitorSource(Protocol):
    def current(self) -> Monitors:
        """As the operator's file has them now. Cheap: every live message asks."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelMonitors:
    """As many handlers as there are monitors at the moment; none without a language model."""

    source: MonitorSource
    runner: TurnRunner | None
    executables: Executables
    seconds: float = MODEL_S

    def each(self, trigger: Trigger) -> Sequence[Handler]:
        if self.runner is None:
            return ()
        found = self.source.current().of_channel(trigger.channel.id)
        return [one for monitor in found if (one := self._handler(monitor, self.runner)).wants(trigger)]

    def named(self, name: str) -> Handler | None:
        module, _, monitor_name = name.partition("/")
        if module != MODULE or self.runner is None:
            return None
        monitor = self.source.current().by_name.get(monitor_name)
        return None if monitor is None else self._handler(monitor, self.runner)

    def _handler(self, monitor: Monitor, runner: TurnRunner) -> ChannelMonitor:
        return ChannelMonitor(monitor, runner, self.executables, self.seconds)


@dataclass(frozen=True, slots=True)
class ChannelMonitor:
    """One monitor. Its own job, so that one that fails is seen and retried alone."""

    monitor: Monitor
    runner: TurnRunner
    executables: Executables
    seconds: float = MODEL_S

    @property
    def name(self) -> str:
        return f"{MODULE}/{self.monitor.name}"

    @property
    def timeout_s(self) -> float:
        return 2 * self.seconds + self.monitor.timeout_s

    def wants(self, trigger: Trigger) -> bool:
        message = trigger.message
        if message.channel_id != self.monitor.channel_id or trigger.edited:
            return False
        kinds = ("person", "bot") if self.monitor.bots else ("person",)
        return message.sender.kind in kinds and (self.monitor.threads or message.parent_ts is None)

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        """Raises Refused with the reason when the answer or the executable breaks its contract."""
        trial = await try_message(
            self.monitor, sample_of(trigger.message), self.runner, self.executables, self.seconds
        )
        if trial.problem:
            raise Refused(f"Channel monitor {self.monitor.name}: {trial.problem}")
        return trial.effects


def sample_of(message: Message) -> Sample:
    sender = message.sender
    return Sample(message.text, sender.id, message.channel_id, message.ts, sender.name)
