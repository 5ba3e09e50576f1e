-- What somebody asked for and somebody must agree to. The effects happen in the transaction of the click.

create table approvals (
    key text primary key, -- of the outbox, under which the question was posted
    handler text not null,
    channel_id text not null,
    thread_ts text not null,
    asked_by text not null,
    -- The message that asked for it; when that is deleted, what it asked for goes too.
    source_channel text not null,
    source_ts text not null,
    markdown text not null,
    effects jsonb not null,
    -- Of a turn that waits: what was said to the model so far. Taken out when the turn goes on, once.
    turn jsonb,
    state text not null default 'pending' check (state in ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
    decided_by text,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index approvals_source on approvals (source_channel, source_ts);
create index approvals_created_at on approvals (created_at);

-- Who did what. Never what was said: that can be deleted by who said it.
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    who text not null,
    action text not null,
    subject text not null,
    attrs jsonb not null default '{}'
);
create index audit_at on audit (at);
