"""Errors as problem details: https://www.rfc-editor.org/rfc/rfc9457"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ratchet.domain.errors import Misconfigured, Refused, Transient

MEDIA_TYPE: Final = "application/problem+json"
DEFAULT_RETRY_S: Final = 5


class FieldError(BaseModel):
    """`field` is where: `query.n`, `path.ts`."""

    field: str
    message: str


class Problem(BaseModel):
    """`title` is the status in words, `detail` what happened and what to do. `id` finds it in the log."""

    title: str
    status: int
    detail: str = ""
    id: str | None = None
    errors: list[FieldError] | None = None


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase}
    for status in (401, 403, 404, 422, 503)
}


def problem(
    status: int,
    detail: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    id: str | None = None,  # noqa: A002  the member's name
    errors: Sequence[FieldError] | None = None,
) -> Response:
    found = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        id=id,
        errors=list(errors) if errors else None,
    )
    body = json.dumps(found.model_dump(exclude_none=True)).encode()
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Errors that an endpoint may raise on purpose. All others are for the edge."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(Misconfigured, _misconfigured)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    detail = "" if error.detail == phrase else str(error.detail)
    return problem(error.status_code, detail, headers=error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(field=".".join(str(part) for part in found["loc"]), message=str(found["msg"]))
        for found in error.errors()
    ]
    return problem(422, "A parameter is missing or wrong.", errors=errors)


async def _refused(_: Request, error: Exception) -> Response:
    return problem(422, str(error))


async def _transient(_: Request, error: Exception) -> Response:
    assert isinstance(error, Transient)
    retry = max(1, round(error.retry_after or DEFAULT_RETRY_S))
    return problem(503, str(error), headers={"Retry-After": str(retry)})


async def _misconfigured(_: Request, error: Exception) -> Response:
    return problem(503, str(error))
