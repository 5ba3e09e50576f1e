"""What one turn may spend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one turn. Tools are withheld before a limit is reached, so that an answer comes.

    requests       requests to the model
    tool_calls     attempted calls, failed and refused ones included
    tokens         input and output tokens of all requests together
    seconds        wall-clock time of the whole turn
    answer_tokens  output tokens of one request
    tool_seconds   wall-clock time of one tool call
    result_chars   characters of one tool result, as the model sees it
    cost_usd       US dollars of all requests together, None for no limit; holds where the price is known
    """

    requests: int = 6
    tool_calls: int = 12
    tokens: int = 120_000
    seconds: float = 75.0
    answer_tokens: int = 4_000
    tool_seconds: float = 10.0
    result_chars: int = 24_000
    cost_usd: float | None = None

    def near_its_end(
        self, *, requests: int, tool_calls: int, tokens: int, seconds: float, cost_usd: float = 0.0
    ) -> bool:
        """Whether what is left is only enough for an answer."""
        return (
            requests >= self.requests - 1
            or tool_calls >= self.tool_calls
            or tokens >= self.tokens * 0.6
            or seconds >= self.seconds * 0.6
            or (self.cost_usd is not None and cost_usd >= self.cost_usd * 0.6)
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What one turn spent. `cost_usd` is None when the model's price is not known."""

    requests: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens
