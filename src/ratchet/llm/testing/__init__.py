"""A scripted model server that speaks the OpenAI HTTP protocol, for tests and demonstrations."""

from ratchet.llm.testing.script import (
    Answer,
    CallTools,
    ChatRequest,
    Cut,
    EmbeddingAnswer,
    EmbeddingRequest,
    HttpError,
    NotJson,
    Say,
    Script,
    Silence,
    ToolCall,
    Vectors,
)
from ratchet.llm.testing.server import ModelServer

__all__ = [
    "Answer",
    "CallTools",
    "ChatRequest",
    "Cut",
    "EmbeddingAnswer",
    "EmbeddingRequest",
    "HttpError",
    "ModelServer",
    "NotJson",
    "Say",
    "Script",
    "Silence",
    "ToolCall",
    "Vectors",
]
