"""A turn: what goes in, what comes out, and who runs it. Plain values; nothing here imports pydantic_ai."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from ratchet.domain.errors import Transient
from ratchet.llm.budget import Budget, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may call.

    `run` is an async function: its name, type hints and docstring are what the model is told. It returns a
    dataclass, a pydantic model or plain JSON values; it raises `Refused` or `Transient` to say why not.
    """

    run: Callable[..., Awaitable[object]]

    @property
    def name(self) -> str:
        return str(getattr(self.run, "__name__", type(self.run).__name__))


@dataclass(slots=True)
class Meter:
    """What a turn has spent so far, also of one that fails; the runner puts its own count here."""

    usage: Callable[[], Usage] = Usage


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that a person must agree to. `id` is the model's."""

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pending:
    """A turn that waits for people. `history` is JSON of what was said so far, redacted; plain to store."""

    calls: tuple[PendingCall, ...]
    history: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a turn that waited goes on: `approved` holds for all of its calls."""

    pending: Pending
    approved: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to the model, with what it may use and spend.

    `purpose` and `channel_id` say in the record of calls what it was for; the model is not told.
    `may_wait`: whether tools that a person must agree to are offered; then the result may be `pending`.
    `resumed`: it goes on from there, and `prompt` is not used.
    `opening`: called without arguments for a model that cannot call tools; for others they are not used.
    """

    instructions: str
    prompt: str
    tools: Sequence[Tool] = ()
    budget: Budget = field(default_factory=Budget)
    may_wait: bool = False
    resumed: Resumed | None = None
    opening: tuple[Tool, ...] = ()
    purpose: str = ""
    channel_id: str | None = None
    meter: Meter | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A call that succeeded. `data` is the result as JSON values, redacted, before it was cut to size."""

    tool: str
    arguments: Mapping[str, Any]
    data: Any


class OutOfTime(Transient):
    """The turn used up its seconds before an answer came. `results` is what its tools had found by then."""

    def __init__(self, message: str | None = None, results: tuple[ToolResult, ...] = ()) -> None:
        super().__init__(message)
        self.results = results


@dataclass(frozen=True, slots=True)
class TurnResult:
    """`text` is "" when the turn is `pending`."""

    text: str
    model: str
    usage: Usage
    tool_results: tuple[ToolResult, ...] = ()
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class JsonTurn(Generic[T]):
    """One request whose answer is JSON. `answer` is a dataclass; its fields and docstring are the schema.

    Of the budget, `seconds` and `answer_tokens` count. `purpose`, `channel_id`, `meter`: as of `Turn`.
    """

    instructions: str
    prompt: str
    answer: type[T]
    budget: Budget = field(default_factory=Budget)
    purpose: str = ""
    channel_id: str | None = None
    meter: Meter | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JsonResult(Generic[T]):
    value: T
    model: str
    usage: Usage


class TurnRunner(Protocol):
    """Runs turns against one model."""

    @property
    def model(self) -> str: ...

    async def run_turn(self, turn: Turn) -> TurnResult:
        """Run `turn` within its budget.

        Raises `OutOfTime` when the budget's seconds are over; `Transient` when the model is unreachable,
        slow, overloaded (`retry_after` when it named a time) or broken; `Refused` when it came to no answer
        within the rest of the budget, or did not accept the request; `Misconfigured` when the key or the
        model's name is wrong.
        """
        ...


class JsonRunner(Protocol):
    """Asks one model for JSON."""

    @property
    def model(self) -> str: ...

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        """Ask once, and only once. Raises as `run_turn`; `Refused` too for JSON that does not fit."""
        ...


class Model(TurnRunner, JsonRunner, Protocol):
    """Everything that is asked of a model."""
