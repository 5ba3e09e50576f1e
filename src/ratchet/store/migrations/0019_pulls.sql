-- Pull requests that Ratchet opened for a thread, until they are merged or closed.

create table pulls (
    -- The address of the repository for people.
    repository text not null,
    number int not null,
    source text not null,
    channel_id text not null,
    thread_ts text not null,
    branch text not null,
    url text not null,
    state text not null default 'open' check (state in ('open', 'merged', 'closed')),
    -- Of the last look at it: an unchanged one costs no request of the limit.
    etag text,
    created_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    primary key (repository, number)
);
create index pulls_thread on pulls (repository, channel_id, thread_ts);
create index pulls_open on pulls (checked_at) where state = 'open';
-- A document is also asked for by the address under which people open it.
create index documents_url on documents (url) where url <> '';
