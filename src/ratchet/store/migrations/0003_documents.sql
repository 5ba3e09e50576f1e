-- Documentation: sources, their documents, the chunks of these. Everything here can be read anew from the sources.

create table settings (
    name text primary key,
    value jsonb not null,
    updated_at timestamptz not null default now()
);

create table sources (
    name text primary key,
    kind text not null,
    -- The address before /blob/REVISION/PATH, '' where a source has no such addresses.
    base text not null default '',
    state text not null default 'new' check (state in ('new', 'running', 'ready', 'failed')),
    revision text,
    -- Why the last refresh failed as a whole; which files it left out: [{path, reason}].
    error text,
    problems jsonb not null default '[]',
    checked_at timestamptz,
    refreshed_at timestamptz
);

create table documents (
    source text not null references sources (name) on delete cascade,
    path text not null,
    blob text not null,
    -- The version of the chunking; another one means that the file is read again.
    format int not null,
    title text not null,
    text text not null,
    url text not null default '',
    -- What the document may be called, for the alert that it is for: see store/naming.py.
    names text[] not null,
    -- {headings, alerts, services}
    attrs jsonb not null,
    indexed_at timestamptz not null default now(),
    primary key (source, path)
);
create index documents_names on documents using gin (names);

create table chunks (
    source text not null,
    path text not null,
    number int not null,
    heading text not null,
    text text not null,
    -- Of the text that is embedded: one hash, one embedding.
    hash bytea not null,
    embedding halfvec(384),
    fts tsvector not null,
    primary key (source, path, number),
    foreign key (source, path) references documents (source, path) on delete cascade
);
create index chunks_fts on chunks using gin (fts);
create index chunks_embedding on chunks using hnsw (embedding halfvec_cosine_ops);
create index chunks_hash on chunks (hash);
create index chunks_waiting on chunks (hash) where embedding is null;
-- Document frequencies of words come from pg_stats; a larger target keeps rarer words.
alter table chunks alter column fts set statistics 1000;
