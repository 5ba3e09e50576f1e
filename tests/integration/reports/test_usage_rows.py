"""What Ratchet did and what it cost, from a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.domain.messages import Channel, MessageRef, posted_at
from ratchet.domain.model_calls import ModelCall
from ratchet.domain.reports import Answers, UsageRows
from ratchet.pipeline.prune import Prune
from ratchet.reports.usage import usage_report
from ratchet.store import llm_calls
from ratchet.store.channels import Channels
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.pool import Database
from ratchet.store.usage import UsageReports
from tests.integration.pipeline.house import House, at, deleted, said
from tests.integration.reports.report_support import plans, recorded, watched

NOW = datetime.now(UTC)
POST = """
insert into outbox (key, handler, channel_id, effect, state, slack_ts, created_at)
values (%s, %s, %s, null, %s, %s, now() - make_interval(days => %s))
"""
VOTE = "insert into votes (key, user_id, value) values (%s, %s, %s)"
ASK = """
insert into approvals (key, handler, channel_id, thread_ts, asked_by, source_channel, source_ts, markdown, effects, state,
                       created_at, expires_at)
values (%s, 'h', 'C1', '1.0', 'U1', 'C1', '1.0', '', '[]', %s, now() - make_interval(days => %s),
        now() - make_interval(days => %s) + interval '1 day')
"""
KEEP = """
insert into runbooks (scope, service, alert, version, writer, pinned, evidence, content, author, created_at)
values ('', 's', 'a', %s, %s, %s, '', '{}', 'm', now() - make_interval(days => %s))
"""
AGED = "update llm_calls set at = now() - make_interval(days => %s) where model = %s"


def call(purpose: str = "assistant", channel: str | None = "C1", **more: Any) -> ModelCall:
    values: dict[str, Any] = {"model": "big", "prompt_hash": "abc", "requests": 2, "tool_calls": 1, "input_tokens": 90, "output_tokens": 10,
              "cost_usd": 0.5, "seconds": 2.0} | more  # fmt: skip
    return ModelCall(purpose=purpose, channel_id=channel, **values)


async def used(database: Database, visible_from: str | None = None, days: int = 7) -> UsageRows:
    until = datetime.now(UTC) + timedelta(seconds=5)
    return await UsageReports(database).usage_rows(
        until - timedelta(days=days), until, visible_from=visible_from
    )


async def channels(database: Database) -> None:
    for channel in (Channel("C1", "ops"), Channel("C2", "help"), Channel("G1", "secret", kind="private")):
        await Channels(database).upsert(channel)


async def test_messages_and_votes_are_counted_by_module_and_channel(house: House) -> None:
    await channels(house.db)
    for key, handler, channel, state, posts, days in (
        ("a", "assistant", "C1", "sent", ["1.1", "1.2"], 1),
        ("b", "assistant", "C1", "sent", ["1.3"], 6),
        ("c", "runbook", "C1", "sent", ["1.4"], 1),
        ("d", "assistant", "G1", "sent", ["1.5"], 1),
        ("e", "assistant", "dm:U1", "sent", ["1.6"], 1),
        ("old", "assistant", "C1", "sent", ["1.7"], 8),
        ("reaction", "assistant", "C1", "sent", [], 1),
        ("waits", "assistant", "C1", "pending", [], 1),
        ("refused", "assistant", "C1", "refused", [], 1),
    ):
        await house.rows(POST, key, handler, channel, state, posts, days)
    for key, user, value in (
        ("a", "U1", 1),
        ("a", "U2", 1),
        ("b", "U1", -1),
        ("d", "U1", -1),
        ("old", "U1", 1),
    ):
        await house.rows(VOTE, key, user, value)
    everything = await used(house.db)
    assert list(everything.answers) == [
        Answers("assistant", "C1", 3, 2, 1),
        Answers("assistant", "G1", 1, 0, 1),
        Answers("assistant", "dm:U1", 1, 0, 0),
        Answers("runbook", "C1", 1, 0, 0),
    ]
    assert everything.channels == {"C1": "#ops", "G1": "#secret", "dm:U1": "dm:U1"}
    from_ops = await used(house.db, "C1")
    assert list(from_ops.answers) == [
        Answers("assistant", "C1", 3, 2, 1),
        Answers("assistant", "", 2, 0, 1),
        Answers("runbook", "C1", 1, 0, 0),
    ]
    assert from_ops.channels == {"C1": "#ops"}
    assert {one.channel for one in (await used(house.db, "G1")).answers} == {"C1", "G1", ""}


async def test_turns_with_models_are_summed_by_purpose_model_channel_and_error(house: House) -> None:
    await channels(house.db)
    calls = LlmCalls(house.db)
    for one in (
        call(seconds=1.0),
        call(seconds=2.0),
        call(seconds=9.0, error="Transient", requests=1),
        call("runbook", "G1", cost_usd=None, model="small", seconds=4.0),
        call("understand", None, cost_usd=0.25, seconds=5.0),
        call(model="forgotten"),
    ):
        await calls.record(one)
    await house.rows(AGED, 8, "forgotten")
    report = usage_report(await used(house.db))
    total = report.total
    assert (total.turns, total.failed, total.requests, total.tool_calls) == (5, 1, 9, 5)
    assert (total.input_tokens, total.output_tokens, total.cost_usd, total.unpriced) == (450, 50, 1.75, 1)
    assert (total.seconds_p50, round(total.seconds_p95 or 0, 3)) == (4.0, 8.2)
    assert [(one.name, one.turns, one.cost_usd) for one in report.purposes] == [
        ("assistant", 3, 1.5), ("runbook", 1, 0.0), ("understand", 1, 0.25),
    ]  # fmt: skip
    assert [(one.name, one.turns) for one in report.models] == [("big", 4), ("small", 1)]
    assert [(one.name, one.turns) for one in report.channel_calls] == [("C1", 3), ("", 1), ("G1", 1)]
    assert report.errors == {"Transient": 1}
    outside = usage_report(await used(house.db, "C1"))
    assert [(one.name, one.turns) for one in outside.channel_calls] == [("C1", 3), ("", 2)]
    assert "secret" not in repr(outside)
    assert outside.total == total


async def test_approvals_and_runbooks_are_counted(house: House) -> None:
    for key, state, days in (
        ("a", "approved", 1), ("b", "approved", 2), ("c", "rejected", 1), ("d", "pending", 0), ("e", "pending", 3),
        ("f", "withdrawn", 1), ("old", "approved", 9),
    ):  # fmt: skip
        await house.rows(ASK, key, state, days, days)
    for version, writer, pinned, days in (
        (1, "model", True, 90),
        (2, "model", False, 1),
        (3, "person", True, 1),
    ):
        await house.rows(KEEP, version, writer, pinned, days)
    found = await used(house.db)
    assert found.approvals == {"approved": 2, "rejected": 1, "pending": 1, "expired": 1, "withdrawn": 1}
    assert (found.runbooks, found.pinned) == ({"model": 1, "person": 1}, 2)


async def test_of_nothing_there_is_nothing(database: Database) -> None:
    report = usage_report(await used(database))
    assert (report.messages, report.total.turns, report.total.seconds_p50, report.pinned) == (0, 0, None, 0)
    assert (report.answers, report.purposes, report.errors, report.approvals) == ((), (), {}, {})


async def test_each_statement_has_its_index(house: House) -> None:
    await house.rows(POST, "a", "assistant", "C1", "sent", ["1.1"], 1)
    await house.rows(VOTE, "a", "U1", 1)
    database = watched(house.db)
    await used(database, "C1")
    await LlmCalls(database).spent("C1", NOW)
    assert len(database.asked) == 5
    for plan in await plans(house.db, database.asked):
        assert not [line for line in plan.splitlines() if "Seq Scan" in line], plan
    forget = [(llm_calls.FORGET, {"since": NOW})]
    assert "llm_calls_contents" in (await plans(house.db, forget))[0]


async def test_what_a_channel_spent_is_summed_since_a_moment(house: House) -> None:
    calls = LlmCalls(house.db)
    for one in (call(), call(cost_usd=0.25), call(cost_usd=None), call(channel="C2"), call(model="old")):
        await calls.record(one)
    await house.rows(AGED, 2, "old")
    assert await calls.spent("C1", NOW - timedelta(days=1)) == 0.75
    assert await calls.spent("C1", NOW - timedelta(days=3)) == 1.25
    assert await calls.spent("C9", NOW - timedelta(days=3)) == 0.0


async def test_contents_go_with_any_message_that_is_deleted_after_which_they_were_said(house: House) -> None:
    await recorded(house, said(at(0), "the password is on the fridge"))
    calls = LlmCalls(house.db)
    await calls.record(call(contents={"prompt": "on the fridge", "answer": "so it is"}))
    await calls.record(call(model="before", contents={"prompt": "older", "answer": "older"}))
    before = posted_at(at(0)) - timedelta(hours=1)
    await house.rows("update llm_calls set at = %s where model = 'before'", before)
    await house.hear(deleted(at(0), at(60)))
    kept = await house.rows("select model, contents is not null from llm_calls order by model")
    assert kept == [("before", True), ("big", False)]
    async with house.db.transaction() as conn:
        await llm_calls.forget(conn, [MessageRef("C1", "1000000000.000000")])
    assert await house.rows("select 1 from llm_calls where contents is not null") == []


async def test_turns_are_forgotten_after_ninety_days(house: House) -> None:
    calls = LlmCalls(house.db)
    for model, days in (("old", 91), ("new", 89)):
        await calls.record(call(model=model))
        await house.rows(AGED, days, model)
    await Prune(house.db).run()
    assert await house.rows("select model from llm_calls") == [("new",)]
