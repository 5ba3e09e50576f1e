"""What tokens cost: the operator's own prices, else those of genai-prices, which pydantic-ai counts with.

https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from ratchet.domain.errors import Misconfigured

if TYPE_CHECKING:
    from ratchet.llm.config import ModelConfig

MILLION: Final = Decimal(1_000_000)
FORM: Final = "NAME=IN/OUT, in US dollars per million tokens"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        return (self.input * input_tokens + self.output * output_tokens) / MILLION


def read_prices(text: str) -> dict[str, Price]:
    """`NAME=IN/OUT, …` by name. Raises Misconfigured with every error."""
    prices, problems = dict[str, Price](), list[str]()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, amounts = entry.rpartition("=")
        price = _price(amounts)
        if name and price is not None:
            prices[name.strip()] = price
        else:
            problems.append(f"RATCHET_MODEL_PRICES: {entry!r} is not {FORM}, such as gpt-oss:20b=0.05/0.20")
    if problems:
        raise Misconfigured("\n".join(problems))
    return prices


def _price(amounts: str) -> Price | None:
    left, slash, right = amounts.partition("/")
    try:
        price = Price(Decimal(left.strip()), Decimal(right.strip()))
    except InvalidOperation:
        return None
    usable = all(amount.is_finite() and amount >= 0 for amount in (price.input, price.output))
    return price if slash and usable else None


def own_price(prices: Mapping[str, Price], provider: str, model: str) -> Price | None:
    """The operator's price, by `provider:model` or by the model's name alone."""
    return prices.get(f"{provider}:{model}") or prices.get(model)


def known_price(config: ModelConfig) -> Price | None:
    """What the model's tokens cost now, None when nobody says. Of a graduated price, its first grade."""
    if config.price is not None:
        return config.price
    from genai_prices import Usage, calc_price  # noqa: PLC0415  # its data takes a while

    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    try:
        if config.url:
            found = calc_price(usage, config.model, provider_api_url=config.url)
        else:
            found = calc_price(usage, config.model, provider_id=config.provider)
    except (LookupError, ValueError):
        return None
    return Price(found.input_price * 1_000, found.output_price * 1_000)
