-- Runbooks that a model or a person wrote. What is quoted from triage without a model is no row: it is read anew
-- each time, and so cannot go out of date. See docs/adr/0006-kept-runbooks.md.

create table runbooks (
    id bigint generated always as identity primary key,
    -- '' when everything in it is from public channels, else the private channel that alone may see it.
    scope text not null,
    service text not null, -- '' for alerts that name none
    alert text not null,
    version int not null,
    writer text not null check (writer in ('model', 'person')),
    pinned boolean not null default false,
    -- Fingerprint of the triage and documents it was written from.
    evidence text not null,
    content jsonb not null,
    author text not null,
    created_at timestamptz not null default now(),
    unique (service, alert, scope, version)
);

-- Everything that went into a runbook, cited or not: when one of these messages is deleted, the runbook goes too.
create table runbook_sources (
    channel_id text not null,
    ts text not null,
    runbook_id bigint not null references runbooks (id) on delete cascade,
    primary key (channel_id, ts, runbook_id)
);
create index runbook_sources_runbook on runbook_sources (runbook_id);
