"""Channel monitors on trial: the same code as in the channel, and nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ratchet.domain.errors import Refused
from ratchet.handlers.channel_monitor import MonitorSource
from ratchet.handlers.monitor_file import Monitor
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import MODEL_S, Executables, Trial, try_message
from ratchet.llm.turn import Model
from ratchet.pipeline.executable import CleanRoom
from ratchet.pipeline.monitors import MonitorFile, found_here
from ratchet.settings import Settings

Allowed = Literal["listed", "any", "off"]


@dataclass(frozen=True, slots=True)
class MonitorBench:
    """`allowed`: which executables may run, of monitors that somebody typed into a page."""

    source: MonitorSource
    runner: Model | None
    allowed: Allowed
    seconds: float = MODEL_S
    executables: Executables = field(default_factory=CleanRoom)

    @property
    def model(self) -> str | None:
        return None if self.runner is None else self.runner.model

    def refusal(self, monitor: Monitor) -> str:
        """Why its executable may not run here; "" when it may."""
        if self.allowed == "any":
            return ""
        if self.allowed == "off":
            return "RATCHET_CHANNEL_MONITOR_TEST_EXECUTABLES is off: no executable runs from this page."
        command = found_here(monitor).command
        if any(one.command == command for one in self.source.current().by_name.values()):
            return ""
        return (
            "Only executables that RATCHET_CHANNEL_MONITOR_CONFIG_FILE names, with the same arguments, run"
            " from this page. Put it there first, or run `ratchet monitor test FILE` on the machine."
        )

    async def run(self, monitor: Monitor, sample: Sample, *, execute: bool) -> Trial:
        """Raises Refused when the executable may not run or there is no model; Transient as the model."""
        if self.runner is None:
            raise Refused("A channel monitor needs a language model; docs/models.md says how.")
        if execute and (refusal := self.refusal(monitor)):
            raise Refused(refusal)
        here = found_here(monitor)
        executables = self.executables if execute else None
        return await try_message(here, sample, self.runner, executables, self.seconds)


def monitor_bench(settings: Settings, runner: Model | None) -> MonitorBench:
    """For the test page, as the settings allow."""
    source = MonitorFile.open(settings.channel_monitor_config_file)
    seconds = min(MODEL_S, settings.turn_seconds)
    return MonitorBench(source, runner, settings.channel_monitor_test_executables, seconds)
