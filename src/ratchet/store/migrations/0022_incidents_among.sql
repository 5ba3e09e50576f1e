-- The incidents that some messages make, without reading all others: the newest, or those of some alerts. The views are
-- the same of all messages. Both are one definition; null means all. Inlined where they are called with parameters, so
-- the indexes of incident_events serve them.
-- Whoever asks gives every message that is paired with those it asks about; see ratchet/store/incidents.py.
create function incident_runs_among(channels text[], messages text[])
returns table (channel_id text, pair_key text, alert text, service text, priority text, tool text, open_ts text,
               thread_ts text, opened_at timestamptz, close_ts text, closed_at timestamptz, firings int,
               last_at timestamptz)
language sql stable parallel safe as $$
with placed as (
    select s.*, row_number() over w as place, lag(s.happened_at) over w as heard_at
    from incident_steps s
    where (channels is null or s.channel_id = any(channels)) and (messages is null or s.ts = any(messages))
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
group by n.channel_id, n.pair_key, n.number
$$;

create or replace view incident_runs as
select * from incident_runs_among(null, null);

create function incidents_among(channels text[], messages text[])
returns table (channel_id text, pair_key text, alert text, service text, priority text, tool text, open_ts text,
               opened_at timestamptz, close_ts text, closed_at timestamptz, firings int, state text,
               last_at timestamptz, acknowledged_at timestamptz)
language sql stable parallel safe as $$
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
from incident_runs_among(channels, messages) i
$$;

create or replace view incidents as
select * from incidents_among(null, null);

-- Firings are counted from the index alone; an edit that opens something is rare, and has one of its own.
create index incident_events_fired on incident_events (service, alert, priority, happened_at)
    where action = 'open_incident' and version = ts;
create index incident_events_edited on incident_events (service, alert)
    where action = 'open_incident' and version <> ts;

-- How many chunks of a source have no vector. Made anew with the column of the vectors: ratchet/store/chunk_vectors.py.
create index chunks_without on chunks (source) where embedding is null;
