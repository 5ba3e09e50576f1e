-- What people wrote, embedded, in a table of its own: messages are written on the path of the acknowledgement, and
-- an index of vectors costs more than everything else there.

create table message_vectors (
    channel_id text not null,
    ts text not null,
    -- As of the message, so that a filter is answered from this table alone.
    posted_at timestamptz not null,
    author text not null,
    -- Of the text that was embedded.
    hash bytea not null,
    embedding halfvec(384) not null,
    primary key (channel_id, ts),
    foreign key (channel_id, ts) references messages (channel_id, ts) on delete cascade
);
create index message_vectors_embedding on message_vectors using hnsw (embedding halfvec_cosine_ops);
create index message_vectors_time on message_vectors (channel_id, posted_at);
create index message_vectors_author on message_vectors (author, posted_at);

-- The newest are embedded first. An entry may be about a message that is gone meanwhile.
create table messages_to_embed (
    ts text not null,
    channel_id text not null,
    -- Tells an entry from a later one for the same message.
    queued_at timestamptz not null default clock_timestamp(),
    primary key (ts, channel_id)
);

insert into messages_to_embed (ts, channel_id)
select ts, channel_id from messages where attrs->'sender'->>'kind' = 'person';
