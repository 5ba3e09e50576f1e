-- Ratchet's own posts quote people. When one of those messages is deleted, the posts that quote it are found by its permalink.
create index messages_own on messages (channel_id, ts) where (attrs->'sender'->>'kind') = 'self';
