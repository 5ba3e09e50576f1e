"""The guard before the endpoints, without any of them."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from ratchet.web.guard import MAX_BODY, MAX_QUERY, BodyTooLarge, ErrorEdge, Guard


async def reader(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole body, then answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def breaks_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("halfway")


async def status(
    app: Guard | ErrorEdge,
    *,
    path: str = "/api/channels",
    query: bytes = b"",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    body: tuple[bytes, ...] = (b"",),
) -> list[int]:
    """The statuses that were sent: one, if all is well."""
    parts = [
        {"type": "http.request", "body": part, "more_body": n + 1 < len(body)} for n, part in enumerate(body)
    ]
    sent: list[int] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": query,
        "headers": [(b"host", b"localhost"), *headers],
    }
    await app(scope, receive, send)
    return sent


GUARD = ErrorEdge(Guard(reader))


async def test_an_ordinary_request_passes() -> None:
    assert await status(GUARD) == [200]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (((b"content-length", b"10"),), 200),
        (((b"content-length", str(MAX_BODY + 1).encode()),), 413),
        (((b"content-length", b"9" * 5_000),), 413),
        (((b"content-length", b"-1"),), 400),
        (((b"content-length", b"ten"),), 400),
        (((b"content-length", "٣".encode()),), 400),
    ],
)
async def test_a_body_may_not_be_announced_too_large(
    headers: tuple[tuple[bytes, bytes], ...], expected: int
) -> None:
    assert await status(GUARD, headers=headers) == [expected]


async def test_a_body_that_comes_without_its_length_is_cut_off() -> None:
    assert await status(GUARD, body=(b"x" * MAX_BODY, b"")) == [200]
    assert await status(GUARD, body=(b"x" * MAX_BODY, b"x")) == [413]


async def test_a_query_string_has_an_end() -> None:
    assert await status(GUARD, query=b"x" * MAX_QUERY) == [200]
    assert await status(GUARD, query=b"x" * (MAX_QUERY + 1)) == [414]


@pytest.mark.parametrize(("path", "query"), [("/a\0b", b""), ("/a\ud800", b""), ("/a", b"q=%00")])
async def test_an_address_that_no_database_can_hold_is_refused(path: str, query: bytes) -> None:
    assert await status(GUARD, path=path, query=query) == [400]


async def test_an_answer_that_breaks_halfway_is_logged_and_not_begun_again() -> None:
    with capture_logs() as logs:
        assert await status(ErrorEdge(breaks_halfway)) == [200]
    assert [entry["event"] for entry in logs] == ["request_failed"]


async def test_the_token_is_no_part_of_what_is_printed() -> None:
    assert "secret" not in repr(Guard(reader, token="secret"))
    assert BodyTooLarge.__doc__
