"""The demo's part for documents: looks a page up, and adds a thread's answer to it. Understands nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ratchet.llm.data import unwrap
from ratchet.llm.testing.script import Answer, CallTools, ChatRequest, Say, ToolCall

# A line of a thread as the prompt has it.
_SAID: Final = re.compile(r"^\[[^\]]{5,40} UTC\] (?P<who>[^:\n]{1,80}): (?P<text>.+)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{4,}")
WORDS: Final = 12


def updates(request: ChatRequest) -> bool:
    """Whether a change of the documents is asked for, and nothing else."""
    return "docupdate" in request.tools and "search_messages" not in request.tools


def update(request: ChatRequest) -> Answer:
    """Search, read, propose, say so: one step a request."""
    results = [_json(part) for text in request.texts("tool") for part in unwrap(text)]
    question, answer = _thread(request)
    if not results:
        return CallTools(ToolCall("docsearch", {"query": " ".join(_WORD.findall(question)[:WORDS])}))
    pages = results[0].get("documents") or []
    if not pages:
        return Say("I found no page to which this thread belongs.")
    page = pages[0]
    linked = f"[{page['title']}]({page['permalink']})" if page.get("permalink") else str(page["title"])
    if len(results) == 1:
        return CallTools(ToolCall("docread", {"document": page["id"], "lines": 400}))
    text = str(results[1].get("text", ""))
    if any(code in text for code in _CODE.findall(answer)):
        return Say(f"Already documented: {linked} says so.")
    if len(request.texts("tool")) == 2:
        return CallTools(ToolCall("docupdate", _change(page, text, question, answer)))
    return Say(f"I propose to add the answer of this thread to {linked}.")


def _thread(request: ChatRequest) -> tuple[str, str]:
    """What was asked first, and the answer with the most code in it, else the last one."""
    said = [found["text"] for found in _SAID.finditer("\n".join(request.texts("user")))]
    if not said:
        return "", ""
    answers = said[1:] or said
    return said[0], max(reversed(answers), key=lambda text: len(_CODE.findall(text)))


def _change(page: Mapping[str, Any], text: str, question: str, answer: str) -> dict[str, Any]:
    """The answer under the question, at the end of the page."""
    lines = text.rstrip().splitlines()
    end = "\n".join(lines[-2:])
    heading = question.split("?", maxsplit=1)[0].strip().rstrip(".:")
    edit = {"find": end, "replace": f"{end}\n\n## {heading}\n\n{answer}"}
    return {
        "title": f"{page['title']}: {heading}"[:110],
        "why": "Somebody asked, and the page did not say it.",
        "files": [{"document": page["id"], "edits": [edit]}],
    }


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
