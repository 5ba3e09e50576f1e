"""Every statement of the queue that is ours, on pgqueuer's tables.

`jobs.headers` (jsonb) carries what pgqueuer has no column for:
  serial    jobs with the same value run one at a time
  ordered   present: while this job waits for its next try, those behind it with the same `serial` wait
  again     present: put again with `rerun` while it ran
  failures  runs that failed                snoozes   runs that asked to come back later
  lost      runs whose worker fell silent   error     the last failure: {type, message, traceback, at}
"""

from __future__ import annotations

from typing import Final, LiteralString

INDEXES: Final[tuple[LiteralString, ...]] = (
    """
    create index if not exists jobs_ordered_waiting on jobs (execute_after)
    where status = 'queued' and headers ? 'ordered' and attempts > 0
    """,
    "create index if not exists jobs_dead on jobs (id) where status = 'failed'",
)

# For a worker's session. Commits do not wait for the disk: what a crash of PostgreSQL forgets is the claim
# or the end of a job, and the job runs once more. Planning the claim takes longer than running it, so its
# plan is kept, until FORGET_PLANS.
SESSION: Final[LiteralString] = """
set synchronous_commit to off; set plan_cache_mode to force_generic_plan; set jit to off;
set enable_seqscan to off; set enable_bitmapscan to off
"""

# A plan made while the table was empty may be a poor one when it is full.
FORGET_PLANS: Final[LiteralString] = "discard plans"

PUT: Final[LiteralString] = """
insert into jobs (entrypoint, payload, priority, execute_after, dedupe_key, headers, status)
select kind, payload, priority, now() + make_interval(secs => delay_s), dedupe_key, headers::jsonb, 'queued'
from unnest(%(kinds)s::text[], %(payloads)s::bytea[], %(priorities)s::int[], %(delays)s::float8[],
            %(uniques)s::text[], %(headers)s::text[])
     with ordinality as new (kind, payload, priority, delay_s, dedupe_key, headers, position)
order by position
on conflict (dedupe_key) where status in ('queued', 'picked') and dedupe_key is not null do nothing
"""

# The conflicting row stays locked until the caller commits, and CLAIM skips locked rows: a job that waits
# sees the caller's data when it starts, and one that runs is marked to run again.
PUT_RERUN: Final[LiteralString] = """
insert into jobs as present (entrypoint, payload, priority, execute_after, dedupe_key, headers, status)
select kind, payload, priority, now() + make_interval(secs => delay_s), dedupe_key, headers::jsonb, 'queued'
from unnest(%(kinds)s::text[], %(payloads)s::bytea[], %(priorities)s::int[], %(delays)s::float8[],
            %(uniques)s::text[], %(headers)s::text[])
     with ordinality as new (kind, payload, priority, delay_s, dedupe_key, headers, position)
order by dedupe_key
on conflict (dedupe_key) where status in ('queued', 'picked') and dedupe_key is not null
do update set headers = coalesce(present.headers, '{}') || '{"again": true}'
where present.status = 'picked'
returning xmax = 0 as inserted
"""

# One claim at a time over all workers: whoever holds this sees every earlier claim, which makes the limits
# and the serial keys exact. Released by the commit of the claim, within milliseconds.
CLAIM_TURN: Final[LiteralString] = "select pg_advisory_xact_lock(hashtext('ratchet jobs claim'), 0)"

# Of each kind it looks at the first `window` jobs that are due and whose key is free, and takes the first of
# each key. So a thousand jobs of one busy key cost a glance each, and hide no other.
CLAIM: Final[LiteralString] = """
with running as materialized (
    select id, entrypoint, priority, queue_manager_id, heartbeat, headers->>'serial' as serial
    from jobs where status = 'picked'
), mine as (
    select count(*) as running, count(*) filter (where priority <= %(backfill)s) as backfill
    from running where queue_manager_id = %(worker)s
), taken as materialized (
    select serial from running where serial is not null
    union all
    select headers->>'serial' from jobs
    where status = 'queued' and headers ? 'ordered' and attempts > 0 and execute_after > now()
), kinds as (
    select kind, greatest(least(%(batch)s, cap - (select count(*) from running where entrypoint = kind)), 0)
        as room
    from unnest(%(kinds)s::text[], %(caps)s::int[]) as known (kind, cap)
), due as (
    select kind, room, ready.* from kinds cross join lateral (
        select job.id, job.priority, job.headers->>'serial' as serial from jobs job
        where job.entrypoint = kinds.kind and job.status = 'queued' and job.execute_after <= now()
          and not exists (select from taken where serial = job.headers->>'serial')
        order by job.priority desc, job.id
        limit case when kinds.room > 0 then %(window)s else 0 end
    ) ready
), heads as (
    select *, row_number() over (partition by kind order by priority desc, id) as nth_of_kind from (
        select *, row_number() over (partition by serial order by priority desc, id) as nth_of_key from due
    ) seen
    where serial is null or nth_of_key = 1
), found as (
    select id, priority from heads where nth_of_kind <= room
    union all
    select id, priority from running
    where entrypoint = any(%(kinds)s) and heartbeat < now() - %(silence)s::interval
      and id <> all(%(in_hand)s::bigint[])
), ranked as (
    select id, priority, row_number() over (partition by priority <= %(backfill)s
                                            order by priority desc, id) as nth_of_class
    from found
), chosen as (
    select id from ranked cross join mine
    where priority > %(backfill)s or nth_of_class <= %(backfill_room)s - mine.backfill
    order by priority desc, id
    limit (select greatest(least(%(batch)s, %(room)s - running), 0) from mine)
), locked as (
    select id from jobs
    where id = any(array(select id from chosen))
      and (status = 'queued' or (status = 'picked' and heartbeat < now() - %(silence)s::interval))
    for update skip locked
)
update jobs set status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = %(worker)s,
    headers = case when status = 'picked'
        then coalesce(headers, '{}') || jsonb_build_object('lost', coalesce((headers->>'lost')::int, 0) + 1)
        else headers end
where id = any(array(select id from locked))
returning *
"""

# A little in the past too: what fell due between the claim and this question is not waited for.
NEXT_DUE: Final[LiteralString] = """
select min(due.execute_after) - now() from unnest(%(kinds)s::text[]) as known (kind) cross join lateral (
    select execute_after from jobs
    where entrypoint = known.kind and status = 'queued' and execute_after > now() - interval '1 second'
    order by execute_after limit 1
) due
"""

AGAIN: Final[LiteralString] = """
update jobs set status = 'queued', execute_after = now() + %(delay)s::interval, attempts = attempts + 1,
    updated = now(), queue_manager_id = null,
    headers = (coalesce(headers, '{}') || %(headers)s::jsonb) - 'again'
where id = %(id)s and status = 'picked' and queue_manager_id = %(worker)s
"""

# A worker that lost its claim may still report success: the work is done, so the job goes. But it may not
# bury or put back a job that another worker holds by now.
SETTLE: Final[LiteralString] = """
with outcome as (
    select * from unnest(%(ids)s::bigint[], %(statuses)s::text[], %(workers)s::uuid[], %(headers)s::text[])
        as o (id, status, worker, headers)
), gone as (
    delete from jobs using outcome
    where jobs.id = outcome.id and outcome.status = 'successful' and jobs.status = 'picked'
      and not coalesce(jobs.headers ? 'again', false)
    returning jobs.id, jobs.entrypoint, jobs.priority
), back as (
    update jobs set status = 'queued', execute_after = now(), updated = now(), queue_manager_id = null,
        headers = jobs.headers - '{again,failures,snoozes,lost,error}'::text[]
    from outcome
    where jobs.id = outcome.id and jobs.status = 'picked' and jobs.queue_manager_id = outcome.worker
      and (outcome.status = 'canceled' or (outcome.status = 'successful' and jobs.headers ? 'again'))
), dead as (
    update jobs set status = 'failed', updated = now(), queue_manager_id = null,
        headers = coalesce(jobs.headers, '{}') || outcome.headers::jsonb
    from outcome
    where jobs.id = outcome.id and jobs.status = 'picked' and jobs.queue_manager_id = outcome.worker
      and outcome.status not in ('successful', 'canceled')
    returning jobs.id, jobs.entrypoint, jobs.priority
)
insert into jobs_log (job_id, status, entrypoint, priority)
select id, 'successful'::jobs_status, entrypoint, priority from gone
union all
select id, 'failed'::jobs_status, entrypoint, priority from dead
"""

# Sooner than SETTLE, for jobs that others of their key wait for.
FINISH: Final[LiteralString] = """
with gone as (
    delete from jobs
    where id = any(%(ids)s) and status = 'picked' and not coalesce(headers ? 'again', false)
    returning id, entrypoint, priority
)
insert into jobs_log (job_id, status, entrypoint, priority)
select id, 'successful'::jobs_status, entrypoint, priority from gone
returning job_id
"""

STATS: Final[LiteralString] = """
select entrypoint as kind,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where status = 'picked') as running,
    coalesce(extract(epoch from now() - min(execute_after)
        filter (where status = 'queued' and execute_after <= now())), 0)::float8 as oldest_s,
    count(*) filter (where status = 'failed') as dead
from jobs group by entrypoint order by entrypoint
"""

# Of each kind the job that is due longest, by the index; only when no job runs and none ended lately.
STUCK: Final[LiteralString] = """
select known.kind, extract(epoch from now() - due.execute_after)::float8 as waits_s
from unnest(%(kinds)s::text[]) as known (kind) cross join lateral (
    select execute_after from jobs
    where entrypoint = known.kind and status = 'queued' order by execute_after limit 1
) due
where due.execute_after < now() - make_interval(secs => %(after_s)s)
  and not exists (select from jobs where status = 'picked'
                  and heartbeat > now() - make_interval(secs => %(silence_s)s))
  and coalesce((select created from jobs_log order by id desc limit 1), '-infinity')
      < now() - make_interval(secs => %(silence_s)s)
order by due.execute_after limit 1
"""

DEAD: Final[LiteralString] = """
select id, entrypoint as kind, payload, created as put_at, updated as died_at,
    coalesce((headers->>'failures')::int, 0) as failures,
    coalesce(headers->'error'->>'type', '') as error_type,
    coalesce(headers->'error'->>'message', '') as message,
    coalesce(headers->'error'->>'traceback', '') as traceback
from jobs where status = 'failed' and (%(before)s::bigint is null or id < %(before)s)
order by id desc limit %(limit)s
"""

# Those that run, then those that wait, the urgent first. Of each status one index is walked.
ALIVE: Final[LiteralString] = """
(select id, entrypoint as kind, payload, true as running, created as put_at, updated as since,
        coalesce((headers->>'failures')::int, 0) as failures,
        coalesce(headers->'error'->>'message', '') as message
 from jobs where status = 'picked' order by updated limit %(limit)s)
union all
(select id, entrypoint, payload, false, created, execute_after,
        coalesce((headers->>'failures')::int, 0), coalesce(headers->'error'->>'message', '')
 from jobs where status = 'queued' order by priority desc, id limit %(limit)s)
"""

CANCEL: Final[LiteralString] = "delete from jobs where id = any(%(ids)s) and status = 'queued'"

# Without its unique key: another job may hold that by now, and an operator who asks for a run gets one.
RETRY_DEAD: Final[LiteralString] = """
update jobs set status = 'queued', execute_after = now(), updated = now(), attempts = 0,
    queue_manager_id = null, dedupe_key = null,
    headers = headers - '{again,failures,snoozes,lost,error}'::text[]
where id = any(%(ids)s) and status = 'failed'
"""

DISCARD: Final[LiteralString] = "delete from jobs where id = any(%(ids)s) and status = 'failed'"

FORGET: Final[LiteralString] = """
delete from jobs where status = 'failed' and entrypoint = %(kind)s
    and convert_from(payload, 'UTF8')::jsonb @> any(%(fields)s::jsonb[])
"""

WAKE: Final[LiteralString] = "select pg_notify(%(channel)s, %(event)s)"

BURY_UNKNOWN: Final[LiteralString] = """
update jobs set status = 'failed', updated = now(), queue_manager_id = null,
    headers = coalesce(headers, '{}') || jsonb_build_object('error', jsonb_build_object(
        'type', 'UnknownKind', 'traceback', '', 'message',
        'No running version of Ratchet knows this kind of job. Start one that does and retry it.'))
where status = 'queued' and execute_after < now() - make_interval(secs => %(older_than_s)s)
  and entrypoint <> all(%(kinds)s::text[])
"""

PRUNE_DEAD: Final[LiteralString] = """
delete from jobs where status = 'failed' and updated < now() - make_interval(secs => %(older_than_s)s)
"""

PRUNE_LOG: Final[LiteralString] = """
delete from jobs_log where aggregated and created < now() - make_interval(secs => %(older_than_s)s)
"""

PRUNE_STATISTICS: Final[LiteralString] = """
delete from jobs_statistics where created < now() - make_interval(secs => %(older_than_s)s)
"""

# A changed cron expression leaves its old row behind.
FORGET_OLD_SCHEDULES: Final[LiteralString] = """
delete from jobs_schedules where entrypoint = any(%(names)s) and (entrypoint, expression) not in
    (select * from unnest(%(names)s::text[], %(crons)s::text[]))
"""

UNFINISHED: Final[LiteralString] = """
select count(*) from jobs where entrypoint = any(%(kinds)s) and
    (status = 'picked' or (status = 'queued' and execute_after <= now() + make_interval(secs => %(later_s)s)))
"""

LOCK_KEY: Final[LiteralString] = "select pg_try_advisory_lock(%(key)s)"
UNLOCK_KEYS: Final[LiteralString] = "select bool_and(pg_advisory_unlock(k)) from unnest(%(keys)s::bigint[]) k"
LOCK_PING: Final[LiteralString] = "select true"
