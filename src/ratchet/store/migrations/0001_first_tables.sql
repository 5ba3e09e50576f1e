-- The tables of the walking skeleton. Everything that is only read lives in attrs; what is indexed or constrained is a column.
-- A Slack ts is text: fixed-width ("1700000000.000100"), so text order is time order.

create extension if not exists vector;

create table channels (
    id text primary key,
    name text not null default '',
    -- Private until Slack says otherwise: what is not known to be public is shown nowhere else.
    kind text not null default 'private' check (kind in ('public', 'private', 'im', 'mpim')),
    mode text not null default 'mention' check (mode in ('off', 'mention', 'draft', 'auto')),
    member boolean not null default true,
    archived boolean not null default false,
    external boolean not null default false,
    last_seen_ts text,
    -- Where the next gap recovery starts; null when there is no gap to fill.
    recover_from text,
    -- Counts the times a gap was marked, so that a recovery does not close one that opened meanwhile.
    gap_marks bigint not null default 0,
    onboarding text not null default 'new' check (onboarding in ('new', 'running', 'done')),
    -- The oldest ts that onboarding has stored: where a restarted one goes on.
    onboarded_to text,
    attrs jsonb not null default '{}'
);
create index channels_name on channels (name);
create index channels_recover on channels (id) where recover_from is not null;

create table people (
    id text primary key,
    name text not null default '',
    email text,
    bot boolean not null default false,
    attrs jsonb not null default '{}',
    updated_at timestamptz not null default now()
);
create index people_email on people (lower(email)) where email is not null;

create table messages (
    channel_id text not null,
    ts text not null,
    parent_ts text,
    posted_at timestamptz not null,
    -- Event ts of the event that gave the row its present form; an older event changes nothing.
    version text not null,
    text text not null,
    content_hash bytea not null,
    attrs jsonb not null,
    fts tsvector not null,
    primary key (channel_id, ts)
);
create index messages_thread on messages (channel_id, parent_ts, ts) where parent_ts is not null;
create index messages_fts on messages using gin (fts);
create index messages_posted_at on messages using brin (posted_at);
-- Document frequencies of words come from pg_stats; a larger target keeps rarer words.
alter table messages alter column fts set statistics 1000;

create table reactions (
    channel_id text not null,
    ts text not null,
    reaction text not null,
    user_id text not null,
    present boolean not null,
    version text not null,
    primary key (channel_id, ts, reaction, user_id)
);

-- A deleted message leaves its key only, so that a late delivery cannot bring it back.
create table tombstones (
    channel_id text not null,
    ts text not null,
    deleted_at timestamptz not null default now(),
    primary key (channel_id, ts)
);
create index tombstones_deleted_at on tombstones (deleted_at);

-- Edits that arrived before their message.
create table parked_edits (
    channel_id text not null,
    ts text not null,
    version text not null,
    event jsonb not null,
    parked_at timestamptz not null default now(),
    primary key (channel_id, ts, version)
);
create index parked_edits_parked_at on parked_edits (parked_at);

-- One row per version of a message that opens or closes an incident: an edit that resolves an alert
-- must not erase that it fired. See docs/adr/0003-incident-events.md.
create table incident_events (
    channel_id text not null,
    ts text not null,
    version text not null,
    parent_ts text,
    happened_at timestamptz not null,
    action text not null check (action in ('open_incident', 'close_incident')),
    pair_key text,
    service text,
    alert text,
    priority text not null check (priority in ('HIGH', 'LOW')),
    tool text not null,
    attrs jsonb not null default '{}',
    primary key (channel_id, ts, version),
    foreign key (channel_id, ts) references messages (channel_id, ts) on delete cascade
);
create index incident_events_pair on incident_events (channel_id, pair_key, happened_at);
create index incident_events_name on incident_events (service, alert, happened_at);
create index incident_events_alert on incident_events (alert, happened_at);
create index incident_events_thread on incident_events (channel_id, parent_ts) where parent_ts is not null;
create index incident_events_time on incident_events (channel_id, happened_at);

create view incidents as
with transitions as (
    -- An edit that keeps a message open is no second firing.
    select e.*,
           lag(e.action) over (partition by e.channel_id, e.ts order by e.version) as before
    from incident_events e
), keyed as (
    -- A resolve in the thread of an alert belongs to that alert, whatever it calls itself.
    select t.channel_id, t.ts, t.version, t.happened_at, t.action, t.service, t.alert, t.priority, t.tool,
           coalesce(p.pair_key, t.pair_key, 'thread:' || coalesce(t.parent_ts, t.ts)) as pair_key
    from transitions t
    left join lateral (
        select coalesce(o.pair_key, 'thread:' || o.ts) as pair_key
        from incident_events o
        where t.action = 'close_incident' and o.channel_id = t.channel_id and o.ts = t.parent_ts
          and o.action = 'open_incident'
        order by o.version limit 1
    ) p on true
    where t.before is distinct from t.action
), marked as (
    select k.*,
           k.action = 'open_incident'
           and lag(k.action) over w is distinct from 'open_incident' as starts
    from keyed k
    window w as (partition by k.channel_id, k.pair_key order by k.happened_at, k.ts, k.version)
), numbered as (
    select m.*,
           sum(case when m.starts then 1 else 0 end)
               over (partition by m.channel_id, m.pair_key order by m.happened_at, m.ts, m.version) as number
    from marked m
)
select channel_id,
       pair_key,
       (array_agg(alert order by happened_at, ts, version) filter (where action = 'open_incident'))[1] as alert,
       (array_agg(service order by happened_at, ts, version) filter (where action = 'open_incident'))[1] as service,
       (array_agg(priority order by happened_at, ts, version) filter (where action = 'open_incident'))[1] as priority,
       (array_agg(tool order by happened_at, ts, version) filter (where action = 'open_incident'))[1] as tool,
       (array_agg(ts order by happened_at, ts, version) filter (where action = 'open_incident'))[1] as open_ts,
       min(happened_at) filter (where action = 'open_incident') as opened_at,
       (array_agg(ts order by happened_at, ts, version) filter (where action = 'close_incident'))[1] as close_ts,
       min(happened_at) filter (where action = 'close_incident') as closed_at,
       (count(*) filter (where action = 'open_incident'))::int as firings
from numbered
where number > 0
group by channel_id, pair_key, number;

-- What is to be said in Slack, under keys that the job determines. The effect's text is dropped once it is sent.
create table outbox (
    key text primary key,
    handler text not null,
    channel_id text not null,
    thread_ts text,
    effect jsonb,
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'refused')),
    slack_ts text[] not null default '{}',
    attempts int not null default 0,
    error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index outbox_unsent on outbox (created_at) where state in ('pending', 'sending');
create index outbox_thread on outbox (channel_id, thread_ts);

-- A handler that has run for a trigger does not run again, also when it had nothing to say.
create table handler_runs (
    key text primary key,
    effects int not null,
    ran_at timestamptz not null default now()
);
create index handler_runs_ran_at on handler_runs (ran_at);

create table votes (
    key text not null,
    user_id text not null,
    value smallint not null check (value in (-1, 1)),
    voted_at timestamptz not null default now(),
    primary key (key, user_id)
);

-- Files of an export that are stored already: where an interrupted import goes on.
create table import_progress (
    archive text not null,
    path text not null,
    stored int not null,
    imported_at timestamptz not null default now(),
    primary key (archive, path)
);
