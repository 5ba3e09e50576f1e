-- no transaction
-- States of incidents, and when somebody took notice. See docs/adr/0002-incident-events.md.

-- After this long without a word of it, an alert that was never resolved is over: many tools never resolve.
create or replace function incident_silence() returns interval
language sql immutable parallel safe return interval '24 hours';

create or replace function slack_time(ts text) returns timestamptz
language sql immutable strict parallel safe return to_timestamp(ts::double precision);

-- What people wrote, by thread.
drop index concurrently if exists messages_people;
create index concurrently messages_people on messages (channel_id, parent_ts, posted_at)
    where parent_ts is not null and (attrs->'sender'->>'kind') = 'person';

-- The events as they are paired. `stays`: an edit that keeps a message open, which is a sign of life and no firing.
-- `pair_key`: what a message opened under it closes under, whatever its later versions call themselves; a resolve
-- in the thread of an alert belongs to that alert.
create or replace view incident_steps as
with versions as (
    select e.*, lag(e.action) over (partition by e.channel_id, e.ts order by e.version) as before
    from incident_events e
)
select v.channel_id, v.ts, v.version, v.parent_ts, v.happened_at, v.action,
       coalesce(o.pair_key, v.pair_key, 'thread:' || coalesce(v.parent_ts, v.ts)) as pair_key,
       v.service, v.alert, v.priority, v.tool,
       v.action = 'open_incident' and v.before is not distinct from 'open_incident' as stays
from versions v
left join lateral (
    select coalesce(e.pair_key, 'thread:' || coalesce(e.parent_ts, e.ts)) as pair_key
    from incident_events e
    where (v.before is not null or v.action = 'close_incident')
      and e.channel_id = v.channel_id and e.ts in (v.ts, v.parent_ts) and e.action = 'open_incident'
      and (e.ts = v.ts and e.version < v.version or e.ts = v.parent_ts and v.action = 'close_incident')
    order by e.ts = v.ts desc, e.version limit 1
) o on true;

-- The incidents, as far as they follow from the steps. A view of its own, because one that begins with `with` is
-- computed whole: above it, what is not asked for, or cut off by a limit, costs nothing.
create or replace view incident_runs as
with placed as (
    select s.*, row_number() over w as place, lag(s.happened_at) over w as heard_at
    from incident_steps s
    window w as (partition by s.channel_id, s.pair_key order by s.happened_at, s.ts, s.version)
), judged as (
    select p.*,
           coalesce(
               max(p.place) filter (where p.action = 'open_incident' and not p.stays) over w
               > coalesce(max(p.place) filter (where p.action = 'close_incident') over w, 0), false) as is_open
    from placed p
    window w as (partition by p.channel_id, p.pair_key order by p.happened_at, p.ts, p.version
                 rows between unbounded preceding and 1 preceding)
), started as (
    select j.*,
           j.action = 'open_incident' and not j.stays
               and (not j.is_open or j.happened_at - j.heard_at > incident_silence()) as starts
    from judged j
), numbered as (
    select s.*, sum(s.starts::int) over (
               partition by s.channel_id, s.pair_key order by s.happened_at, s.ts, s.version) as number
    from started s
)
-- A sign of life or a resolve that comes when nothing is open belongs to no incident.
select n.channel_id, n.pair_key,
       max(n.alert) filter (where n.starts) as alert,
       max(n.service) filter (where n.starts) as service,
       max(n.priority) filter (where n.starts) as priority,
       max(n.tool) filter (where n.starts) as tool,
       max(n.ts) filter (where n.starts) as open_ts,
       max(coalesce(n.parent_ts, n.ts)) filter (where n.starts) as thread_ts,
       min(n.happened_at) as opened_at,
       max(n.ts) filter (where n.action = 'close_incident') as close_ts,
       max(n.happened_at) filter (where n.action = 'close_incident') as closed_at,
       (count(*) filter (where n.action = 'open_incident' and not n.stays))::int as firings,
       max(n.happened_at) as last_at
from numbered n
where n.starts or n.is_open
group by n.channel_id, n.pair_key, n.number;

create or replace view incidents as
select i.channel_id, i.pair_key, i.alert, i.service, i.priority, i.tool, i.open_ts, i.opened_at, i.close_ts,
       i.closed_at, i.firings,
       case when i.closed_at is not null then 'closed'
            when i.last_at < now() - incident_silence() then 'expired'
            else 'open' end as state,
       i.last_at,
       -- The first word or reaction of a person in the thread; of a reaction found in history, which has the version of
       -- its message, nobody knows when it was given. Each message's reactions are looked up by its key: joined, all
       -- reactions of the channel might be read for each incident.
       (select least(slack_time(said.ts), (
            select min((
                select min(slack_time(r.version)) from reactions r
                where r.channel_id = i.channel_id and r.ts = m.ts and r.present
                  and r.version > m.ts and r.version <> m.version and slack_time(r.version) >= i.opened_at
                  and not exists (select from incident_events e
                                  where e.channel_id = r.channel_id and e.ts = r.ts and e.version = r.version)
                  and not exists (select from people p where p.id = r.user_id and p.bot)))
            from (
                select m.ts, m.version from messages m
                where m.channel_id = i.channel_id and m.ts = i.thread_ts
                union all
                select m.ts, m.version from messages m
                where m.channel_id = i.channel_id and m.parent_ts = i.thread_ts
                  and m.ts < coalesce(said.ts, '9999999999.999999')
            ) m))
        from (select (select m.ts from messages m
                      where m.channel_id = i.channel_id and m.parent_ts = i.thread_ts
                        and (m.attrs->'sender'->>'kind') = 'person' and m.posted_at >= i.opened_at
                      order by m.posted_at limit 1) as ts) said) as acknowledged_at
from incident_runs i;
