"""What Ratchet itself did: answers and votes, turns with models, approvals, runbooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row

from ratchet.domain.reports import Answers, ModelCalls, UsageRows
from ratchet.store.pool import Database

# Votes hold what buttons and reactions come to.
ANSWERS: Final = """
select module, channel, sum(cardinality(slack_ts))::int as messages,
       coalesce(sum(up), 0)::int as up, coalesce(sum(down), 0)::int as down
from (
    select o.handler as module, o.slack_ts,
           case when %(everywhere)s or c.kind = 'public' or c.id = %(visible_from)s
                then o.channel_id else '' end as channel,
           v.up, v.down
    from outbox o
    left join channels c on c.id = o.channel_id
    cross join lateral (
        select count(*) filter (where value > 0) as up, count(*) filter (where value < 0) as down
        from votes where votes.key = o.key) v
    where o.created_at >= %(since)s and o.created_at < %(until)s and o.state = 'sent' and cardinality(o.slack_ts) > 0
) posted
group by module, channel order by messages desc, module, channel
"""
CALLS: Final = """
with calls as materialized (
    select l.model, l.purpose, l.requests, l.tool_calls, l.input_tokens, l.output_tokens, l.cost_usd, l.seconds, l.error,
           case when %(everywhere)s or c.kind = 'public' or c.id = %(visible_from)s
                then l.channel_id else '' end as channel
    from llm_calls l left join channels c on c.id = l.channel_id
    where l.at >= %(since)s and l.at < %(until)s
)
select case when grouping(purpose) = 0 then 'purpose' when grouping(model) = 0 then 'model'
            when grouping(channel) = 0 then 'channel' when grouping(error) = 0 then 'error' else 'total' end as of,
       coalesce(purpose, model, channel, error, '') as name, count(*)::int as turns, count(error)::int as failed,
       coalesce(sum(requests), 0)::int as requests, coalesce(sum(tool_calls), 0)::int as tool_calls,
       coalesce(sum(input_tokens), 0)::bigint as input_tokens, coalesce(sum(output_tokens), 0)::bigint as output_tokens,
       coalesce(sum(cost_usd), 0)::float8 as cost_usd, (count(*) filter (where cost_usd is null))::int as unpriced,
       percentile_cont(0.5) within group (order by seconds) as seconds_p50,
       percentile_cont(0.95) within group (order by seconds) as seconds_p95
from calls group by grouping sets ((), (purpose), (model), (channel), (error))
having grouping(error) = 1 or error is not null
order by of, turns desc, name
"""
# Nobody decides any more about what waited for too long, whether or not somebody clicked to find out.
DECISIONS: Final = """
select 'approval' as of,
       case when state = 'pending' and expires_at < now() then 'expired' else state end as name, count(*)::int as number
from approvals where created_at >= %(since)s and created_at < %(until)s group by 2
union all
select 'runbook', writer, count(*)::int from runbooks
where created_at >= %(since)s and created_at < %(until)s group by writer
union all
select 'pinned', '', count(*)::int from runbooks where pinned
order by of, name
"""
NAMES: Final = "select id, name from channels where id = any(%(ids)s)"


class UsageReports:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def usage_rows(self, since: datetime, until: datetime, *, visible_from: str | None) -> UsageRows:
        """Of the time from `since` to `until`; what happened in other private channels is summed under "".

        `visible_from` is the asking channel's id; None for the operator, who may see them all.
        """
        everywhere = visible_from is None
        given = {"since": since, "until": until, "visible_from": visible_from, "everywhere": everywhere}
        async with self._db.connection() as conn:
            async with conn.cursor(row_factory=class_row(Answers)) as cur:
                answers = await (await cur.execute(ANSWERS, given)).fetchall()
            async with conn.cursor(row_factory=class_row(ModelCalls)) as calls_cur:
                calls = await (await calls_cur.execute(CALLS, given)).fetchall()
            decisions = await _decisions(conn, given)
            ids = {one.channel for one in answers} | {one.name for one in calls if one.of == "channel"}
            names = await _names(conn, sorted(ids - {""}))
        return UsageRows(
            since,
            until,
            answers,
            calls,
            approvals={name: number for of, name, number in decisions if of == "approval"},
            runbooks={name: number for of, name, number in decisions if of == "runbook"},
            pinned=next(number for of, _, number in decisions if of == "pinned"),
            channels=names,
        )


async def _decisions(conn: AsyncConnection[Any], given: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    async with conn.cursor(row_factory=tuple_row) as cur:
        return await (await cur.execute(DECISIONS, given)).fetchall()


async def _names(conn: AsyncConnection[Any], ids: list[str]) -> dict[str, str]:
    """As people write them; the id of a channel without a name."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        found: dict[str, str] = dict(await (await cur.execute(NAMES, {"ids": ids})).fetchall())
    return {one: f"#{found[one]}" if found.get(one) else one for one in ids}
