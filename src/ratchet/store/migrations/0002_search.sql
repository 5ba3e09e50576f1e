-- Ratchet's own posts quote what people wrote and must never be found in its place. Left out of the index, they
-- cost a search nothing; as a condition on the row, each candidate's attrs would have to be read.

drop index messages_fts;
create index messages_fts on messages using gin (fts)
    where (attrs->'sender'->>'kind') is distinct from 'self';
