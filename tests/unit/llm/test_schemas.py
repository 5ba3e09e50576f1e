"""What models are told of a tool is read once; who is called is the turn's own."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_ai import RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from ratchet.llm.schemas import Schemas
from ratchet.llm.turn import Tool


@dataclass(frozen=True)
class Greeter:
    name: str

    async def greet(self, times: int) -> str:
        """Say hello.

        Args:
            times: How often.
        """
        return " ".join([f"hello {self.name}"] * times)


async def test_two_instances_share_what_is_told_and_each_is_called_itself() -> None:
    schemas, context = Schemas(), RunContext(deps=None, model=TestModel(), usage=RunUsage())
    ana, bo = (schemas.tool(Tool(Greeter(name).greet)) for name in ("Ana", "Bo"))
    assert ana.function_schema.validator is bo.function_schema.validator
    assert ana.function_schema.json_schema["properties"]["times"]["description"] == "How often."
    assert await ana.function_schema.call({"times": 2}, context) == "hello Ana hello Ana"
    assert await bo.function_schema.call({"times": 1}, context) == "hello Bo"


def test_a_function_is_read_each_time_so_that_none_is_kept() -> None:
    async def look() -> str:
        """Look."""
        return "seen"

    schemas = Schemas()
    first, second = schemas.tool(Tool(look)), schemas.tool(Tool(look))
    assert first.name == second.name == "look"
    assert first.function_schema.validator is not second.function_schema.validator
