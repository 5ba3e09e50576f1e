"""What a channel report is made of, in four statements, whatever the size of the channel and of its history.

The view `incidents` is not asked: its windows run over everything that a channel ever recorded. These read the
messages of the window by time, and `incident_steps` for just those.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import args_row, class_row

from ratchet.domain.errors import first_error
from ratchet.domain.incidents import SILENCE, Action
from ratchet.domain.messages import posted_at
from ratchet.domain.reports import (
    AlertCount,
    AlertName,
    ChannelFacts,
    ChannelRows,
    Help,
    HumanReactions,
    HumanReply,
    Step,
)
from ratchet.store import naming
from ratchet.store.pool import Database

# In the order of the fields of `Step`. Steps by time; and, of the pair keys that may have been open when that time began, what came before.
STEPS: Final = """
with recent as materialized (
    select e.ts, e.version, e.parent_ts, e.pair_key, e.action, e.happened_at
    from incident_events e join channels c on c.id = e.channel_id
    where e.channel_id = %(channel_id)s and (c.kind = 'public' or c.id = %(visible_from)s)
      and e.happened_at >= %(lead)s and e.happened_at < %(until)s
    order by e.happened_at desc limit %(limit)s
), begun as (
    -- Only a new message after a silence begins anew; an edit or a resolve belongs to what was there before.
    select r.pair_key, r.first_at from (
        select pair_key, min(happened_at) as first_at,
               (array_agg(action = 'open_incident' and ts = version order by happened_at))[1] as fires
        from recent where pair_key is not null group by pair_key) r
    cross join lateral (
        select p.happened_at from incident_events p
        where p.channel_id = %(channel_id)s and p.pair_key = r.pair_key and p.happened_at < r.first_at
        order by p.happened_at desc limit 1) p
    where not r.fires or p.happened_at >= r.first_at - incident_silence()
), earlier as materialized (
    select e.ts from begun b cross join lateral (
        select p.ts from incident_events p
        where p.channel_id = %(channel_id)s and p.pair_key = b.pair_key and p.happened_at < b.first_at
        order by p.happened_at desc limit %(earlier)s) e
), touched as materialized (
    select ts from recent
    union select ts from earlier
    union select parent_ts from recent where action = 'close_incident' and parent_ts is not null
    union select e.ts from earlier n join incident_events e on e.parent_ts = n.ts
          where e.channel_id = %(channel_id)s and e.action = 'close_incident'
)
select s.ts, s.version, s.parent_ts, s.happened_at, s.action, s.pair_key, s.service, s.alert, s.priority, s.tool,
       s.stays, (e.attrs->>'duration_s')::float8 as stated_s
from incident_steps s
join incident_events e on e.channel_id = s.channel_id and e.ts = s.ts and e.version = s.version
where s.channel_id = %(channel_id)s and s.ts = any(array(select ts from touched)) and s.happened_at < %(until)s
"""
# In the order of the fields of `HumanReply`. The text only where it is read: of the window itself.
REPLIES: Final = """
select u.ts as root_ts, m.ts, case when u.wanted then left(m.text, %(chars)s) else '' end as text
from unnest(%(roots)s::text[], %(wanted)s::bool[]) as u (ts, wanted)
cross join lateral (
    select t.ts, t.text from messages t
    where t.channel_id = %(channel_id)s and t.parent_ts = u.ts and (t.attrs->'sender'->>'kind') = 'person'
    order by t.posted_at limit %(per_thread)s
) m
where exists (select from channels c where c.id = %(channel_id)s and (c.kind = 'public' or c.id = %(visible_from)s))
"""
# When a reaction was given is known unless it came with the message: see the view `incidents`.
REACTIONS: Final = """
select u.ts as root_ts, count(*)::int as count,
       coalesce(array_agg(slack_time(r.version)) filter (
           where r.version > m.ts and r.version <> m.version
             and not exists (select from incident_events e
                             where e.channel_id = r.channel_id and e.ts = r.ts and e.version = r.version)), '{}') as given
from unnest(%(roots)s::text[]) as u (ts)
cross join lateral (
    select t.ts, t.version from messages t where t.channel_id = %(channel_id)s and t.ts = u.ts
    union all
    (select t.ts, t.version from messages t where t.channel_id = %(channel_id)s and t.parent_ts = u.ts
     order by t.ts limit %(per_thread)s)
) m
join reactions r on r.channel_id = %(channel_id)s and r.ts = m.ts
where r.present and not exists (select from people p where p.id = r.user_id and p.bot)
  and exists (select from channels c where c.id = %(channel_id)s and (c.kind = 'public' or c.id = %(visible_from)s))
group by u.ts
"""
# `help`: [number of the alert, a kept runbook, a document that names it, triage under one of its last firings].
FACTS: Final = """
with shown as (
    select c.id from channels c where c.id = %(channel_id)s and (c.kind = 'public' or c.id = %(visible_from)s)
), alerts as (
    select * from unnest(%(services)s::text[], %(alerts)s::text[]) with ordinality as a (service, alert, number)
), documented as (
    select distinct k.number from unnest(%(numbers)s::int[], %(keys)s::text[]) as k (number, key)
    join documents d on d.names @> array[k.key]
)
select counted.*,
       (select count(*)::int from undecided_messages w
        where w.channel_id = %(channel_id)s and exists (select from shown)) as waiting,
       (select m.ts from messages m where m.channel_id = %(channel_id)s and exists (select from shown)
        order by m.ts limit 1) as recorded_since,
       (select coalesce(jsonb_agg(jsonb_build_array(
            a.number,
            exists (select from runbooks r where r.service = coalesce(a.service, '') and r.alert = a.alert
                      and r.scope in ('', %(visible_from)s)),
            a.number in (select d.number from documented d),
            exists (select from (
                        (select e.channel_id, e.ts from incident_events e
                         where e.service = a.service and e.alert = a.alert
                           and e.action = 'open_incident' and e.happened_at < %(until)s
                         order by e.happened_at desc limit %(firings)s)
                        union all
                        (select e.channel_id, e.ts from incident_events e
                         where a.service is null and e.service is null and e.alert = a.alert
                           and e.action = 'open_incident' and e.happened_at < %(until)s
                         order by e.happened_at desc limit %(firings)s)) f
                    join channels c on c.id = f.channel_id
                    cross join lateral (
                        select from messages m where m.channel_id = f.channel_id and m.parent_ts = f.ts
                          and (m.attrs->'sender'->>'kind') = 'person' limit 1) m
                    where c.kind = 'public' or c.id = %(visible_from)s))), '[]')
        from alerts a) as help
from (
    select count(*)::int as messages,
           (count(*) filter (where m.kind = 'person'))::int as by_people,
           (count(*) filter (where m.kind = 'bot'))::int as bot_messages,
           (count(*) filter (where m.kind = 'bot' and exists (
                select from incident_events e where e.channel_id = m.channel_id and e.ts = m.ts)))::int as bot_alerts
    from (select m.channel_id, m.ts, m.attrs->'sender'->>'kind' as kind
          from messages m
          where m.channel_id = %(channel_id)s and exists (select from shown) and m.ts >= %(since_ts)s and m.ts < %(until_ts)s) m
) counted
"""
ALERTS: Final = """
select service, alert, max(priority) filter (where newest = 1) as priority, count(*)::int as firings,
       count(distinct channel_id)::int as channels, min(happened_at) as first_at, max(happened_at) as last_at
from (
    select e.*, row_number() over (partition by e.service, e.alert order by e.happened_at desc) as newest
    from channels c join incident_events e on e.channel_id = c.id
    where (c.kind = 'public' or c.id = %(visible_from)s)
      and (%(channel_id)s::text is null or c.id = %(channel_id)s)
      and e.happened_at >= %(since)s and e.action = 'open_incident' and e.alert is not null
      and (%(service)s::text is null or lower(e.service) = lower(%(service)s))
      -- An edit that keeps it open is no firing.
      and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                      and f.version < e.version and f.action = 'open_incident')
) fired
group by service, alert order by firings desc, last_at desc limit %(limit)s
"""
# Further back than the window before: an alert that is silent for longer is over, and the next firing a new one.
LEAD: Final = timedelta(hours=48)
MAX_STEPS: Final = 20_000
EARLIER: Final = 100
PER_THREAD: Final = 200
REPLY_CHARS: Final = 2_000
# Of how many alerts it is asked what is known about them, and of how many of their firings.
MAX_ALERTS: Final = 200
FIRINGS: Final = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """One row of `FACTS`."""

    messages: int
    by_people: int
    bot_messages: int
    bot_alerts: int
    waiting: int
    recorded_since: str | None
    help: list[tuple[int, bool, bool, bool]]


class ChannelReports:
    """`visible_from` is the asking channel's id: of a channel that it may not see there is nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def channel_rows(
        self, channel_id: str, *, visible_from: str, since: datetime, until: datetime
    ) -> ChannelRows:
        """Of the window from `since` to `until`, and of the equally long one before it."""
        before = since - (until - since)
        given = {"channel_id": channel_id, "visible_from": visible_from, "since": since, "until": until}
        steps = await _steps(self._db, given | {"lead": before - LEAD})
        fired = _asked_about(steps, before, until)
        read = {step.thread_ts for step in fired if step.happened_at >= since}
        threads = sorted({step.thread_ts for step in fired})
        roots = given | {"roots": threads, "wanted": [thread in read for thread in threads]}
        names = _names(step for step in fired if step.happened_at >= since)
        # Each on a connection of its own: the database has more than one processor.
        with first_error():
            async with asyncio.TaskGroup() as group:
                facts = group.create_task(_facts(self._db, given, names))
                replies = group.create_task(_replies(self._db, roots))
                reactions = group.create_task(_reactions(self._db, roots))
        return ChannelRows(
            channel_id=channel_id,
            before=before,
            since=since,
            until=until,
            steps=steps,
            replies=replies.result(),
            reactions=reactions.result(),
            facts=_counts(facts.result()),
            help={names[number - 1]: Help(*known) for number, *known in facts.result().help},
            cut=len(steps) >= MAX_STEPS,
        )

    async def alerts_since(
        self,
        since: datetime,
        *,
        visible_from: str,
        channel_id: str | None = None,
        service: str | None = None,
        limit: int = 50,
    ) -> Sequence[AlertCount]:
        """Alerts that fired since then, most firings first. `channel_id` None: in all that may be seen.

        `service` matches the whole name, whatever its case.
        """
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(AlertCount)) as cur:
            await cur.execute(
                ALERTS,
                {
                    "visible_from": visible_from,
                    "channel_id": channel_id,
                    "service": service,
                    "since": since,
                    "limit": limit,
                },
            )
            return await cur.fetchall()


async def _steps(db: Database, given: Mapping[str, Any]) -> list[Step]:
    async with db.connection() as conn, conn.cursor(row_factory=args_row(Step)) as cur:
        await cur.execute(STEPS, {**given, "limit": MAX_STEPS, "earlier": EARLIER})
        return await cur.fetchall()


def _asked_about(steps: Sequence[Step], before: datetime, until: datetime) -> list[Step]:
    """Openings of the two windows, and of what may still be open."""
    live = {step.pair_key for step in steps if until - step.happened_at <= SILENCE}
    return [
        step
        for step in steps
        if step.action == Action.OPEN and (step.happened_at >= before or step.pair_key in live)
    ]


async def _replies(db: Database, given: Mapping[str, Any]) -> list[HumanReply]:
    async with db.connection() as conn, conn.cursor(row_factory=args_row(HumanReply)) as cur:
        await cur.execute(REPLIES, {**given, "per_thread": PER_THREAD, "chars": REPLY_CHARS})
        return await cur.fetchall()


async def _reactions(db: Database, given: Mapping[str, Any]) -> list[HumanReactions]:
    async with db.connection() as conn, conn.cursor(row_factory=class_row(HumanReactions)) as cur:
        await cur.execute(REACTIONS, {**given, "per_thread": PER_THREAD})
        return await cur.fetchall()


def _names(fired: Any) -> list[AlertName]:
    """The alerts that fired most, by service and name."""
    counts = Counter((step.service, step.alert) for step in fired if step.alert is not None)
    return [name for name, _ in counts.most_common(MAX_ALERTS)]


async def _facts(db: Database, given: Mapping[str, Any], names: Sequence[AlertName]) -> Facts:
    keys = [
        (number, key)
        for number, (service, alert) in enumerate(names, 1)
        for key in naming.wanted(alert or "", service)
        if not key.startswith(naming.WHOLE)
    ]
    values = {
        **given,
        "since_ts": _ts(given["since"]),
        "until_ts": _ts(given["until"]),
        "services": [service for service, _ in names],
        "alerts": [alert for _, alert in names],
        "numbers": [number for number, _ in keys],
        "keys": [key for _, key in keys],
        "firings": FIRINGS,
    }
    async with db.connection() as conn, conn.cursor(row_factory=class_row(Facts)) as cur:
        found = await (await cur.execute(FACTS, values)).fetchone()
    assert found is not None
    return found


def _counts(facts: Facts) -> ChannelFacts:
    since = facts.recorded_since
    return ChannelFacts(
        facts.messages,
        facts.by_people,
        facts.bot_messages,
        facts.bot_alerts,
        facts.waiting,
        posted_at(since) if since else None,
    )


def _ts(moment: datetime) -> str:
    """The least ts of that moment or later. Slack's have ten digits of seconds, so text order is time order."""
    return f"{moment.timestamp():017.6f}"
