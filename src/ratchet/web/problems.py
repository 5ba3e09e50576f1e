"""Errors as problem details, https://www.rfc-editor.org/rfc/rfc9457; as a page to who accepts HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ratchet.domain.errors import Misconfigured, Refused, Transient

MEDIA_TYPE: Final = "application/problem+json"
DEFAULT_RETRY_S: Final = 5


class FieldError(BaseModel):
    """`field` is where: `query.n`, `path.ts`."""

    field: str
    message: str


class Problem(BaseModel):
    """`title` is the status in words, `detail` what happened and what to do. `id`: of the request."""

    title: str
    status: int
    detail: str = ""
    id: str | None = None
    errors: list[FieldError] | None = None


class ErrorPages(Protocol):
    """In the application's state as `pages`."""

    def error(self, scope: Scope, problem: Problem) -> Response: ...


class ProblemResponse(Response):
    """Which form it takes is decided when it is sent: browsers name text/html, programs do not."""

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(_body(problem), problem.status, headers=headers, media_type=MEDIA_TYPE)
        self._problem, self._own = problem, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._problem.model_copy(update={"id": self._problem.id or request_id(scope)})
        pages = error_pages(scope)
        if pages is None or not accepts_html(scope):
            self.body = _body(found)
            self.headers["content-length"] = str(len(self.body))
            await super().__call__(scope, receive, send)
            return
        page = pages.error(scope, found)
        page.headers.update(self._own)
        await page(scope, receive, send)


def _body(problem: Problem) -> bytes:
    return json.dumps(problem.model_dump(exclude_none=True)).encode()


def request_id(scope: Scope) -> str | None:
    """None where no request has one: a guard by itself."""
    found = scope.get("state", {}).get("request_id")
    return str(found) if found else None


def error_pages(scope: Scope) -> ErrorPages | None:
    """None where no page was built: an application without pages, a guard by itself."""
    state = getattr(scope.get("app"), "state", None)
    found: ErrorPages | None = getattr(state, "pages", None)
    return found


def accepts_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "").lower()


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
    return ProblemResponse(found, dict(headers or {}))


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
