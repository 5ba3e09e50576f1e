"""Every endpoint with values that nobody would think of: answers as its schema says, never an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ratchet.jobs.schema import install
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from ratchet.web.schema import examples
from ratchet.web.server import serve
from tests.integration.web.support import House, client, fill, services

EXAMPLES = 12
CALL_S = 20.0
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BY_HAND = {"X-Ratchet-Request": "1"}


def operations(port: int) -> Iterator[Any]:
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def tried(operation: Any) -> None:
    """The same examples each time, so that a failure stays one until it is mended."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any) -> None:
        answer = case.call(headers=BY_HAND, timeout=CALL_S)
        case.validate_response(answer, checks=CHECKS)

    run()


def try_all(port: int) -> int:
    count = 0
    for operation in operations(port):
        tried(operation)
        count += 1
    return count


async def test_every_endpoint_answers_as_its_schema_says(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        app = create_app(services(database, House()))
        serving = group.create_task(serve(app, ("127.0.0.1", 0), listening.set_result))
        try:
            count = await asyncio.to_thread(try_all, await listening)
        finally:
            serving.cancel()
    assert count >= 25


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/channels"),
        ("get", "/api/channels/{name}"),
        ("get", "/api/channels/{name}/messages"),
        ("post", "/api/channels/{name}/onboard"),
        ("get", "/api/channels/{id}/messages/{ts}/thread"),
        ("get", "/api/search"),
        ("get", "/api/services"),
        ("get", "/api/services/{service}/alerts"),
        ("get", "/api/services/{service}/alerts/{alert}/messages"),
        ("get", "/api/services/{service}/alerts/{alert}/runbook"),
        ("post", "/api/services/{service}/alerts/{alert}/post-runbook"),
        ("get", "/api/incidents"),
        ("get", "/api/commands/generate"),
        ("post", "/api/commands/respond"),
        ("get", "/api/docs/status"),
        ("post", "/api/docs/refresh"),
        ("get", "/api/reports/channel"),
        ("get", "/api/reports/usage"),
        ("get", "/metrics"),
        ("get", "/version"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    ],
)
async def test_paths_that_programs_rely_on_stay(database: Database, method: str, path: str) -> None:
    async with client(database) as http:
        schema = (await http.get("/openapi.json")).json()
    assert method in schema["paths"][path]
    assert schema["paths"][path][method].get("description") or schema["paths"][path][method].get("summary")


async def test_every_endpoint_has_an_example_that_is_as_its_schema_says(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    async with client(database) as http:
        schema = (await http.get("/openapi.json")).json()
        report = (await http.get("/api/reports/channel?channel=ops")).json()
        usage = (await http.get("/api/reports/usage")).json()
        gaps = (await http.get("/api/reports/gaps")).json()
    count = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            count += exemplified(schema["components"], operation, f"{method} {path}")
    assert count >= 30
    reports = schema["paths"]
    for name, found in (("channel", report), ("usage", usage), ("gaps", gaps)):
        answer = reports[f"/api/reports/{name}"]["get"]["responses"]["200"]["content"]["application/json"]
        assert answer["example"].keys() == found.keys(), name
    assert set(examples()) >= {f"{method.upper()} {path}" for path, ops in reports.items() for method in ops}


def exemplified(components: Any, operation: Any, name: str) -> int:
    """How many examples it has. Fails where one is missing, or is not what the schema says."""
    bodies = [r["content"]["application/json"] for code, r in operation["responses"].items()
              if int(code) < 300 and "application/json" in r.get("content", {})]  # fmt: skip
    if "requestBody" in operation:
        bodies.append(operation["requestBody"]["content"]["application/json"])
    for body in bodies:
        assert "example" in body, name
        schema = body["schema"] | {"components": components}
        errors = list(Draft202012Validator(schema).iter_errors(body["example"]))
        assert not errors, (name, errors)
    return len(bodies)
