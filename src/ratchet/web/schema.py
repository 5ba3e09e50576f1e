"""What /openapi.json says beyond what FastAPI finds by itself: tokens, and the answers of every endpoint."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

METHODS: Final = frozenset({"get", "post", "patch", "put", "delete"})
EVERYWHERE: Final = {
    400: "Bad Request",
    403: "Forbidden",
    413: "Content Too Large",
    414: "URI Too Long",
    429: "Too Many Requests",
}
ABOUT: Final = (
    "The record of channels, alerts and incidents, and what Ratchet makes of it."
    " Errors are problem details, https://www.rfc-editor.org/rfc/rfc9457; docs/api.md has examples with jq."
)
PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def install(app: FastAPI) -> None:
    """The schema is made once, when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(
                get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}, {}]
    given = examples()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _answers(operation["responses"])
                _exemplify(operation, given.get(f"{method.upper()} {path}", {}))
    return schema


def examples() -> dict[str, dict[str, Any]]:
    """By method and path: `answer`, and `body` where a request has one. From the example workspace."""
    found: dict[str, dict[str, Any]] = json.loads(
        (resources.files("ratchet.web") / "examples.json").read_text("utf-8")
    )
    return found


def _exemplify(operation: dict[str, Any], given: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if int(status) < 300 and content is not None and "answer" in given:
            content["example"] = given["answer"]
    if "body" in given:
        operation["requestBody"]["content"]["application/json"]["example"] = given["body"]


def _answers(responses: dict[str, Any]) -> None:
    """Errors are of their own media type, not of the answer's."""
    for code, words in EVERYWHERE.items():
        responses.setdefault(str(code), {"description": words, "content": PROBLEM})
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= 400 and _is_problem(content):
            response["content"] = PROBLEM


def _is_problem(content: dict[str, Any]) -> bool:
    schema = content.get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).rpartition("/")[2] in ("Problem", "HTTPValidationError")
