"""A script that plays a model in demonstrations: it looks things up with tools and quotes what they give.

It understands nothing: a few words of the question, and whether it stands under an alert, decide what is
looked up; the answer is put together from the results and their links.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ratchet.llm.data import unwrap
from ratchet.llm.testing import demo_docs
from ratchet.llm.testing.script import Answer, CallTools, ChatRequest, Say, ToolCall

_QUESTION: Final = re.compile(r"<question\b[^>]*>\n(.*?)\n</question>", re.DOTALL)
_ALERT: Final = re.compile(
    r"The thread stands under the alert (?P<alert>.+?)(?: on (?P<service>[^\s,]+))?, which fired"
)
_WORD: Final = re.compile(r"[A-Za-z0-9_./:-]{3,}")
# Words that do not say what is asked for.
_NOISE: Final = re.compile(
    r"(?:what|how|why|when|who|which|where|the|and|for|was|were|did|does|has|have|had|that|this|with|last|time|"
    r"any|are|you|can|could|should|please|tell|about|there|our|its|from|show|give)$",
    re.IGNORECASE,
)
_USAGE: Final = re.compile(r"\b(?:usage|you cost|your cost|what did you do)\b")
_REPORT: Final = re.compile(r"\b(?:report|nois|toil|week)")
_INCIDENTS: Final = re.compile(r"\b(?:incidents?|firing|still open|outages?)\b")
_HEADING: Final = re.compile(r"\n\n(?=\*\*)")
_NOTHING: Final = "I looked through the recorded messages and found nothing about that."
_QUOTED: Final = 2
_LINES: Final = 3

Results = Mapping[str, Any]
"""What each tool gave, by its name."""


def demo(request: ChatRequest) -> Answer:
    """A few rounds of tool calls, then an answer from their results; JSON where JSON is asked for."""
    if request.schema is not None:
        return Say(json.dumps(_example(request.schema)))
    if demo_docs.updates(request):
        return demo_docs.update(request)
    called, results = _called(request), _results(request)
    for step in _plan(request, results):
        if calls := [call for call in step if call.name in request.tools and call.name not in called]:
            return CallTools(*calls)
    if request.tools and not called:
        first = request.body["tools"][0]["function"]
        return CallTools(ToolCall(first["name"], _example(first.get("parameters", {}) | {"type": "object"})))
    texts = [part for text in request.texts("tool") for part in unwrap(text)]
    return Say(_answer(_question(request), results, texts))


def _plan(request: ChatRequest, results: Results) -> Iterator[list[ToolCall]]:
    """What to look up, one round after the other; each from what the rounds before gave."""
    question = _question(request)
    words = question.lower()
    if _USAGE.search(words):
        yield [ToolCall("usage_report", {})]
    elif _REPORT.search(words):
        yield [ToolCall("channel_report", {})]
    elif alert := _ALERT.search("\n".join(request.texts("user"))):
        named = {key: value for key, value in alert.groupdict().items() if value}
        yield [ToolCall("runbook", named), ToolCall("incidents", named)]
        yield [ToolCall("docsearch", {"query": " ".join(named.values()), "limit": 1})]
    elif _INCIDENTS.search(words):
        yield [ToolCall("incidents", {"state": "open"} if "open" in words else {})]
    else:
        terms = " ".join(_words(question)) or question
        yield [ToolCall("docsearch", {"query": question}), ToolCall("search_messages", {"query": terms})]
        if found := _found(question, results):
            yield [ToolCall("read_thread", {"message_id": found[0]["id"]})]


def _question(request: ChatRequest) -> str:
    prompt = "\n".join(request.texts("user"))
    found = _QUESTION.findall(prompt)
    return found[-1] if found else prompt


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if not _NOISE.match(word)]


def _terms(text: str) -> set[str]:
    return {word.lower().strip(".:/") for word in _words(text)}


def _calls(request: ChatRequest) -> Iterator[tuple[str, str]]:
    """Id and tool of every call so far."""
    for message in request.body["messages"]:
        for call in message.get("tool_calls") or ():
            yield call["id"], call["function"]["name"]


def _called(request: ChatRequest) -> set[str]:
    return {name for _, name in _calls(request)}


def _results(request: ChatRequest) -> Results:
    """Of the tools whose result could be read; a refusal is none."""
    names = dict(_calls(request))
    found: dict[str, Any] = {}
    for message in request.body["messages"]:
        if message.get("role") == "tool":
            for part in unwrap(str(message.get("content") or "")):
                if (data := _json(part)) is not None:
                    found[names.get(message.get("tool_call_id", ""), "")] = data
    return found


def _rows(results: Results, tool: str, key: str) -> Sequence[Mapping[str, Any]]:
    data = results.get(tool)
    rows = data.get(key) if isinstance(data, Mapping) else None
    return rows or ()


def _answer(question: str, results: Results, texts: Sequence[str]) -> str:
    if "runbook" in results:
        return "\n\n".join(_under_alert(results))
    for text in texts:
        if (report := _markdown(text)) is not None:
            return report
    parts = [*_documents(question, results), *_messages(question, results), *_incidents(results)]
    return "\n\n".join(["Here is what I found:", *parts]) if parts else _NOTHING


def _under_alert(results: Results) -> Iterator[str]:
    """What is known about the alert in whose thread it was asked."""
    sections = _HEADING.split(str(results["runbook"].get("markdown", "")))
    yield "\n\n".join(sections[:2])
    earlier = [row for row in _rows(results, "incidents", "incidents") if row.get("closed_at")]
    if earlier:
        last = earlier[0]
        yield (
            f"It has been over {len(earlier)} times in the last 30 days; the last time it opened"
            f" at {last['opened_at']} and took {last.get('minutes')} minutes ([thread]({last['permalink']}))."
        )
    for page in _rows(results, "docsearch", "documents")[:1]:
        yield f"The team's page about it is {_titled(page)}."


def _documents(question: str, results: Results) -> Iterator[str]:
    """The paragraph of the best page that shares most words with the question."""
    wanted = _terms(question)
    for page in _rows(results, "docsearch", "documents")[:1]:
        paragraphs = [part for one in page.get("passages") or () for part in str(one["text"]).split("\n\n")]
        if paragraphs:
            best = max(paragraphs, key=lambda part: len(wanted & _terms(part)))
            yield f"{_titled(page)} says:\n{_quoted(best)}"


def _found(question: str, results: Results) -> list[Mapping[str, Any]]:
    """The messages that were found, without the question itself, now and before."""
    return [row for row in _rows(results, "search_messages", "messages") if question not in row["text"]]


def _messages(question: str, results: Results) -> Iterator[str]:
    """The thread that was read, when somebody answered in it; else the messages that were found."""
    thread = _rows(results, "read_thread", "messages")
    rows = thread[:_QUOTED] if len(thread) > 1 else _found(question, results)[:_QUOTED]
    if rows:
        yield "In the channels I found:"
    for row in rows:
        who = f"{row.get('author', 'someone')}, {row.get('time', '')}"
        yield f"{_quoted(str(row.get('text', '')))}\n— {who} ([message]({row.get('permalink', '')}))"


def _incidents(results: Results) -> Iterator[str]:
    rows = _rows(results, "incidents", "incidents")
    if rows:
        yield "\n".join(["Newest first:", *(f"- {_incident(row)}" for row in rows)])


def _incident(row: Mapping[str, Any]) -> str:
    link = f"[thread]({row['permalink']})"
    return f"**{row.get('alert') or 'incident'}**, {row['state']}, opened {row['opened_at']} ({link})"


def _titled(page: Mapping[str, Any]) -> str:
    title = str(page.get("title", ""))
    return f"[{title}]({page['permalink']})" if page.get("permalink") else f"**{title}**"


def _quoted(text: str) -> str:
    # A fence that is cut would make code of all that follows.
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("```", "#"))][
        :_LINES
    ]
    return "\n".join(f"> {line}" for line in lines)


def _markdown(text: str) -> str | None:
    """What a tool wrote to be posted as it is, also when the rest of its result was left out."""
    key = '"markdown": '
    start = text.find(key)
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start + len(key))
    except ValueError:
        return None
    return value if isinstance(value, str) else None


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
