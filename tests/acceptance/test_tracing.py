"""What an operator's collector and Sentry get: one trace for a mention, over processes, without a word of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from localslack import LocalSlack
from ratchet.llm.testing import ModelServer
from ratchet.llm.testing.script import Answer, CallTools, Say, ToolCall
from ratchet.store.embedded import EmbeddedServer
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

WORDS = "flumpwort"
STEPS = (
    "slack event", "intake", "job message", "job handler", "handler assistant", "job deliver",
    "slack chat.postMessage",
)  # fmt: skip


@dataclass
class Collector:
    """Takes OTLP/HTTP and Sentry's envelopes."""

    url: str = ""
    spans: list[tuple[str, Span]] = field(default_factory=list)
    envelopes: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp has unpacked it
        self.bodies.append(body)
        if request.path.endswith("/envelope/"):
            self.envelopes.append(body)
            return web.json_response({"id": "0"})
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(named["service.instance.id"], span) for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def traces(self) -> dict[bytes, list[tuple[str, Span]]]:
        found: dict[bytes, list[tuple[str, Span]]] = {}
        for process, span in self.spans:
            found.setdefault(span.trace_id, []).append((process, span))
        return found

    def errors(self) -> Iterator[dict[str, Any]]:
        for envelope in self.envelopes:
            lines = envelope.split(b"\n")
            yield from (
                json.loads(line) for line in lines[2::2] if line.startswith(b"{") and b"exception" in line
            )


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    found = Collector()
    app = web.Application(client_max_size=50 * 1024**2)
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://{runner.addresses[0][0]}:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


def traced(base: dict[str, str], at: Collector, name: str) -> dict[str, str]:
    return base | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": at.url,
        "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={name}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "TRACE_SAMPLE_RATE": "0",
    }


async def test_a_mention_is_one_trace_from_slack_to_slack_over_processes_and_chatter_is_none(
    tmp_path: Path,
) -> None:
    script: list[Answer] = [
        CallTools(ToolCall("search_messages", {"query": WORDS})),
        Say("I do not know."),
        Say("I do not know."),
    ]
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(collector())
        slack = await stack.enter_async_context(LocalSlack.serve())
        model = await stack.enter_async_context(ModelServer(script).serve())
        server = await stack.enter_async_context(EmbeddedServer.start(tmp_path / "postgres"))
        base = environment(slack, DATABASE_URL=server.conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        for name, roles in (("ears", "slack"), ("hands", "worker"), ("face", "web,worker")):
            process = RatchetProcess(traced(base, at, name), tmp_path / name, roles=f"{roles},web")
            await stack.enter_async_context(running(process))
        control = slack.control
        channel = await control.add_channel("ops")
        ada = await control.add_user("ada")
        await control.post(channel, ada, f"nobody asked about {WORDS}")
        question = await control.post(channel, ada, f"<@{slack.workspace.bot.id}> what is a {WORDS}?")

        async def answered() -> bool:
            thread = slack.workspace.channels[channel].messages.values()
            return any(
                m.get("thread_ts") == question and m.get("user") == slack.workspace.bot.id for m in thread
            )

        await eventually(answered, what="the answer is visible")

        async def whole() -> list[tuple[str, Span]] | None:
            for found in at.traces().values():
                names = {span.name for _, span in found}
                if set(STEPS) <= names:
                    return found
            return None

        trace = await eventually(whole, what="the trace is whole")
        await the_trace_tells_the_story(trace)
        assert {one.trace_id for _, one in at.spans if one.name == "slack event"} == {trace[0][1].trace_id}
        assert not any(WORDS.encode() in body for body in at.bodies), "what was said is in a span"


async def the_trace_tells_the_story(trace: list[tuple[str, Span]]) -> None:
    by_id = {span.span_id: span for _, span in trace}
    names = [span.name for _, span in trace]
    root = next(span for _, span in trace if span.name == "slack event")
    assert any(name.startswith("chat ") for name in names), (
        "a request to the model, by the gen_ai conventions"
    )
    assert any("search_messages" in name for name in names), "a tool call"
    assert any({a.key for a in span.attributes} & {"db.system", "db.system.name"} for _, span in trace), "SQL"
    for _, span in trace:
        here = span
        while here.parent_span_id in by_id:
            here = by_id[here.parent_span_id]
        assert here.span_id == root.span_id, f"{span.name} hangs in the air"
    assert len({process for process, _ in trace}) >= 2, "one process received, another one answered"


async def test_sentry_is_told_of_a_failure_with_its_job_and_without_secrets(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(collector())
        slack = await stack.enter_async_context(LocalSlack.serve())
        server = await stack.enter_async_context(EmbeddedServer.start(tmp_path / "postgres"))
        base = environment(slack, DATABASE_URL=server.conninfo)
        dsn = at.url.replace("http://", "http://public@") + "/7"
        process = RatchetProcess(base | {"SENTRY_DSN": dsn, "SENTRY_ENVIRONMENT": "test"}, tmp_path / "log")
        await stack.enter_async_context(running(process))
        token = "xox" + "b-123456789012-abcdefABCDEF"
        effect = json.dumps({"kind": token})
        await rows(
            server.conninfo,
            "insert into outbox (key, handler, channel_id, effect) values ('k', 'h', 'C1', %s::jsonb) returning 1",
            effect,
        )
        await rows(
            server.conninfo,
            "insert into jobs (entrypoint, payload, priority, status) values ('deliver', %s, 40, 'queued') returning 1",
            json.dumps({"key": "k", "channel_id": "C1"}).encode(),
        )

        async def told() -> dict[str, Any] | None:
            return next(at.errors(), None)

        event = await eventually(told, what="Sentry hears of it")
        assert event["tags"] == {"job": "deliver", "final": "False"}
        assert event["environment"] == "test"
        assert event["release"].startswith("ratchet@")
        assert event["exception"]["values"][0]["type"] == "KeyError"
        assert not any(token.encode() in body for body in at.bodies)

        async def failure_traced() -> bool:
            return any(span.name == "job deliver failed" for _, span in at.spans)

        await eventually(failure_traced, what="the failure is traced whatever the rate")
