"""A script that answers plausibly without understanding: it calls one tool and quotes what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ratchet.llm.data import unwrap
from ratchet.llm.testing import demo_docs
from ratchet.llm.testing.script import Answer, CallTools, ChatRequest, Say, ToolCall

_QUESTION: Final = re.compile(r"<question\b[^>]*>\n(.*?)\n</question>", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z0-9_./:-]{3,}")
# Words that do not say what is asked for.
_NOISE: Final = re.compile(
    r"(?:what|how|why|when|who|which|where|the|and|for|was|were|did|does|has|have|had|that|this|with|last|time|"
    r"any|are|you|can|could|should|please|tell|about|there|our|its|from|show|give)$",
    re.IGNORECASE,
)
_HOW: Final = re.compile(r"\b(?:how|where|which|can|may)\b", re.IGNORECASE)
_NOTHING: Final = "I looked through the recorded messages and found nothing about that."


def demo(request: ChatRequest) -> Answer:
    """One tool call, then an answer from its result; JSON after the schema when JSON is asked for."""
    if request.schema is not None:
        return Say(json.dumps(_example(request.schema)))
    if demo_docs.updates(request):
        return demo_docs.update(request)
    results = [part for text in request.texts("tool") for part in unwrap(text)]
    if not request.texts("tool") and request.tools:
        return _call(request)
    return Say(_answer(results))


def _call(request: ChatRequest) -> Answer:
    question = _question(request)
    words = question.lower()
    if "channel_report" in request.tools and re.search(r"\b(report|nois|toil|week)", words):
        return CallTools(ToolCall("channel_report", {}))
    if "incidents" in request.tools and re.search(r"\b(incidents?|firing|still open|outages?)\b", words):
        return CallTools(ToolCall("incidents", {}))
    if "search_messages" in request.tools:
        terms = [word for word in _WORD.findall(question) if not _NOISE.match(word)]
        query = {"query": (" ".join(terms) or question)[:400]}
        if "docsearch" in request.tools and _HOW.search(question):
            return CallTools(ToolCall("docsearch", query), ToolCall("search_messages", query))
        return CallTools(ToolCall("search_messages", query))
    first = request.body["tools"][0]["function"]
    return CallTools(ToolCall(first["name"], _example(first.get("parameters", {}) | {"type": "object"})))


def _question(request: ChatRequest) -> str:
    prompt = "\n".join(request.texts("user"))
    found = _QUESTION.findall(prompt)
    return found[-1] if found else prompt


def _answer(results: Sequence[str]) -> str:
    found: list[str] = []
    for text in results:
        data = _json(text)
        if isinstance(data, Mapping):
            if markdown := data.get("markdown"):
                return str(markdown)
            found += [_page(row) for row in (data.get("documents") or [])[:1]]
            found += [_quote(row) for row in (data.get("messages") or data.get("incidents") or [])[:2]]
    return "\n\n".join(["Here is what I found:", *found]) if found else _NOTHING


def _page(row: Mapping[str, Any]) -> str:
    """The passage that fits best, with its page."""
    passage = row["passages"][0]
    lines = [line for line in str(passage["text"]).splitlines() if line.strip()][:8]
    quoted = "\n".join(f"> {line}" for line in lines)
    title = f"{row['title']} › {passage['heading']}" if passage["heading"] else row["title"]
    return f"{quoted}\n— " + (f"[{title}]({row['permalink']})" if row.get("permalink") else str(title))


def _quote(row: Mapping[str, Any]) -> str:
    link = f"[message]({row['permalink']})" if row.get("permalink") else ""
    if "text" not in row:
        return f"- **{row.get('alert') or 'incident'}** opened {row.get('opened_at', '')} {link}"
    lines = [line for line in str(row["text"]).splitlines() if line.strip()][:3]
    quoted = "\n".join(f"> {line}" for line in lines)
    return f"{quoted}\n— {row.get('author', 'someone')}, {row.get('time', '')} {link}"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


_EXAMPLES: Final[Mapping[str, Any]] = {
    "string": "scripted",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "null": None,
}


def _example(schema: Mapping[str, Any]) -> Any:
    """The smallest value that follows a simple schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") in _EXAMPLES:
        return _EXAMPLES[schema["type"]]
    properties = schema.get("properties", {})
    return {name: _example(properties[name]) for name in schema.get("required", properties)}
