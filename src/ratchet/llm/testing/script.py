"""What a scripted model is asked and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion request. `body` is the JSON as received."""

    body: Mapping[str, Any]

    @property
    def tools(self) -> list[str]:
        """Names of the tools on offer."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or []]

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the answer must follow; {} when any JSON will do; None for plain text."""
        wanted = self.body.get("response_format") or {}
        if wanted.get("type") not in {"json_object", "json_schema"}:
            return None
        return (wanted.get("json_schema") or {}).get("schema") or {}

    def texts(self, role: str) -> list[str]:
        """The text of every message of a role, in order."""
        return [_text(message) for message in self.body["messages"] if message.get("role") == role]

    @property
    def text(self) -> str:
        """Everything the model was told, in one string."""
        return "\n".join(_text(message) for message in self.body["messages"])


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return content or ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call by the model. `arguments` may be a string, to send JSON that is not JSON."""

    name: str
    arguments: Mapping[str, Any] | str

    @property
    def arguments_json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(dict(self.arguments))


@dataclass(frozen=True, slots=True)
class Say:
    """A final answer. A mapping is sent as JSON text."""

    content: str | Mapping[str, Any]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else json.dumps(dict(self.content))


class CallTools:
    """Tool calls, all in one answer."""

    __slots__ = ("calls",)

    def __init__(self, *calls: ToolCall) -> None:
        self.calls = calls


@dataclass(frozen=True, slots=True)
class HttpError:
    """An error answer. `retry_after` in seconds becomes the header."""

    status: int
    retry_after: float | None = None
    message: str = "scripted error"
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks in the middle of this answer."""

    answer: Say | CallTools


@dataclass(frozen=True, slots=True)
class NotJson:
    """Status 200 with a body that is no completion."""

    body: str = "<html>502 Bad Gateway</html>"


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer until the caller gives up or the server stops; with `seconds`, `answer` after that time."""

    seconds: float | None = None
    answer: Say | CallTools | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """One request for embeddings. `body` is the JSON as received."""

    body: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        given = self.body.get("input", [])
        return [given] if isinstance(given, str) else [str(text) for text in given]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Bag-of-words vectors: the same words always point the same way.

    `missing`: so many fewer than there are texts; `odd`: the last has one number less; `broken`: the last
    holds a NaN.
    """

    dimension: int = 64
    missing: int = 0
    odd: bool = False
    broken: bool = False


EmbeddingAnswer = Vectors | HttpError | NotJson | Silence
EmbeddingScript = Callable[[EmbeddingRequest], EmbeddingAnswer]
Answer = Say | CallTools | HttpError | Cut | NotJson | Silence
Script = Sequence[Answer] | Callable[[ChatRequest], Answer]


def player(script: Script) -> Callable[[ChatRequest], Answer]:
    """The script as a function; a list that has run out answers with an error that says so."""
    if callable(script):
        return script
    answers: Iterator[Answer] = iter(script)
    return lambda _: next(answers, HttpError(500, message="The script has no more answers."))
