-- What one person or bot wrote. Without it a search in their messages reads those of everybody that hold its words.
create index messages_author on messages ((attrs->'sender'->>'id'), ts);
analyze messages;
