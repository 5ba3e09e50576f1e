"""Answers in the OpenAI wire format. Pure.

https://platform.openai.com/docs/api-reference/chat and …/embeddings
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator
from typing import Any, Final

from ratchet.llm.testing.script import CallTools, ChatRequest, EmbeddingRequest, HttpError, Say, Vectors

_CHARS_PER_TOKEN: Final = 4


def completion(request: ChatRequest, answer: Say | CallTools, number: int) -> dict[str, Any]:
    """A whole answer. `number` makes ids distinct within one server."""
    finish = "stop" if isinstance(answer, Say) else "tool_calls"
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": request.body.get("model", "scripted"),
        "choices": [{"index": 0, "message": _message(answer, number), "finish_reason": finish}],
        "usage": usage(request, answer),
    }


def events(request: ChatRequest, answer: Say | CallTools, number: int) -> Iterator[str]:
    """The same answer as server-sent events."""
    for delta in _deltas(answer, number):
        yield _event(request, number, [{"index": 0, "delta": delta, "finish_reason": None}])
    finish = "stop" if isinstance(answer, Say) else "tool_calls"
    yield _event(request, number, [{"index": 0, "delta": {}, "finish_reason": finish}])
    if (request.body.get("stream_options") or {}).get("include_usage"):
        yield _event(request, number, [], usage=usage(request, answer))
    yield "data: [DONE]\n\n"


def error(answer: HttpError) -> dict[str, Any]:
    return {
        "error": {"message": answer.message, "type": "scripted_error", "param": None, "code": answer.code}
    }


def usage(request: ChatRequest, answer: Say | CallTools) -> dict[str, int]:
    """Tokens, at four characters each."""
    said = answer.text if isinstance(answer, Say) else "".join(call.arguments_json for call in answer.calls)
    prompt = len(json.dumps(dict(request.body))) // _CHARS_PER_TOKEN
    spoken = max(1, len(said) // _CHARS_PER_TOKEN)
    return {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}


def embeddings(request: EmbeddingRequest, answer: Vectors) -> dict[str, Any]:
    texts, body = request.texts, request.body
    vectors = [_vector(text, answer.dimension) for text in texts[: len(texts) - answer.missing]]
    if answer.odd:
        vectors[-1].pop()
    if answer.broken:
        vectors[-1][0] = math.nan
    encoded = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "model": body.get("model", "scripted"),
        "data": [
            {"object": "embedding", "index": i, "embedding": _base64(vector) if encoded else vector}
            for i, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
    }


def _vector(text: str, dimension: int) -> list[float]:
    sums = [0.0] * dimension
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=2).digest()
        sums[digest[0] % dimension] += 1.0 if digest[1] % 2 else -1.0
    if not any(sums):
        sums[0] = 1.0
    length = math.sqrt(sum(x * x for x in sums))
    return [x / length for x in sums]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _message(answer: Say | CallTools, number: int) -> dict[str, Any]:
    if isinstance(answer, Say):
        return {"role": "assistant", "content": answer.text}
    return {"role": "assistant", "content": None, "tool_calls": _calls(answer, number)}


def _calls(answer: CallTools, number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{number}_{i}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_json},
        }
        for i, call in enumerate(answer.calls)
    ]


def _deltas(answer: Say | CallTools, number: int) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if isinstance(answer, Say) else None}
    if isinstance(answer, Say):
        for piece in re.findall(r"\S*\s*", answer.text):
            if piece:
                yield {"content": piece}
    else:
        for i, call in enumerate(_calls(answer, number)):
            yield {"tool_calls": [{"index": i, **call}]}


def _event(request: ChatRequest, number: int, choices: list[dict[str, Any]], **more: Any) -> str:
    chunk = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": request.body.get("model", "scripted"),
        "choices": choices,
        **more,
    }
    return f"data: {json.dumps(chunk)}\n\n"
