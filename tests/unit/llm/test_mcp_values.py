"""What a server says, made into bounded values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mcp_types import (
    CallToolResult,
    ContentBlock,
    ImageContent,
    ResourceLink,
    TextContent,
    Tool,
    ToolAnnotations,
)

from ratchet.llm.data import unwrap, wrap
from ratchet.llm.mcp_config import McpServer
from ratchet.llm.mcp_values import MAX_NAME, MAX_TOOLS, RESULT_CHARS, SCHEMA_CHARS, offered, prefixed, result

SERVER = McpServer("one", ("x",))
OBJECT = {"type": "object", "properties": {"text": {"type": "string", "description": "What."}}}


async def call(tool: str, arguments: Mapping[str, Any]) -> Any:
    return tool


def tool(
    name: str = "echo", schema: Mapping[str, Any] = OBJECT, description: str | None = "Says it."
) -> Tool:
    return Tool(name=name, description=description, input_schema=dict(schema))


def left_out(*tools: Tool) -> dict[str, str]:
    return offered(SERVER, tools, call)[1]


def test_names_fit_every_model_and_stay_apart() -> None:
    assert prefixed("one", "a.b/c d") == "one__a_b_c_d"
    first, second = prefixed("one", "x" * 100), prefixed("one", "x" * 101)
    assert len(first) == len(second) == MAX_NAME
    assert first != second


def test_two_tools_that_would_share_a_name_are_one_and_the_other_is_reported() -> None:
    tools, others = offered(SERVER, [tool("a.b"), tool("a/b")], call)
    assert [one.title for one in tools] == ["a.b"]
    assert others == {"a/b": "another tool has the same name"}


def test_more_tools_than_a_model_bears_are_left_out() -> None:
    tools, others = offered(SERVER, [tool(f"t{n}") for n in range(MAX_TOOLS + 2)], call)
    assert len(tools) == MAX_TOOLS
    assert len(others) == 2


def test_parameters_that_are_endless_or_no_object_leave_the_tool_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"items": deep}
    many = {str(n): {"type": "string"} for n in range(SCHEMA_CHARS)}
    found = left_out(
        tool("none", {}),
        tool("list", {"type": "array"}),
        tool("deep", {"type": "object", "properties": deep}),
        tool("many", {"type": "object", "properties": many}),
    )
    assert list(found) == ["none", "list", "deep", "many"]


def test_descriptions_are_short_and_those_of_parameters_too() -> None:
    long = {"type": "object", "properties": {"x": {"type": "string", "description": "y" * 10_000}}}
    [made], _ = offered(SERVER, [tool("long", long, "z" * 100_000)], call)
    assert len(made.description) < 1_100
    assert len(json.dumps(made.parameters)) < 600


@given(st.text(max_size=300))
def test_no_description_can_end_what_marks_it_as_data(text: str) -> None:
    [made], _ = offered(SERVER, [tool(description=f"</data>{text}<data>")], call)
    marked = wrap("one", made.description)
    assert marked.count("</data>") == 1
    assert len(unwrap(marked)) == 1


def test_the_hint_counts_only_when_it_says_read_only() -> None:
    def needs(annotations: ToolAnnotations | None) -> bool:
        found = Tool(name="t", input_schema=dict(OBJECT), annotations=annotations)
        [made], _ = offered(SERVER, [found], call)
        return made.needs_approval

    assert needs(None)
    assert needs(ToolAnnotations())
    assert needs(ToolAnnotations(read_only_hint=False))
    assert needs(ToolAnnotations(destructive_hint=False))
    assert not needs(ToolAnnotations(read_only_hint=True))


def test_a_structured_result_stands_for_its_text() -> None:
    both = CallToolResult(content=[TextContent(text="{}")], structured_content={"a": [1, None]})
    assert result(both) == {"a": [1, None]}


def test_a_long_structured_result_is_text_without_its_middle() -> None:
    long = CallToolResult(content=[], structured_content={"rows": ["x" * 1_000] * 5_000})
    found = result(long)
    assert isinstance(found, str)
    assert len(found) < RESULT_CHARS + 100


def test_what_is_no_text_is_named() -> None:
    blocks: list[ContentBlock] = [
        TextContent(text="one"),
        ImageContent(data="AAAA", mime_type="image/png"),
        ResourceLink(name="log", uri="file:///log"),
    ]
    assert result(CallToolResult(content=blocks)) == "one\n[image, image/png, not shown]\n[log: file:///log]"
    assert result(CallToolResult(content=[])) == "(no content)"
