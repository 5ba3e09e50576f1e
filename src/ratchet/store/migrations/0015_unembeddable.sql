-- Texts that the embedding model in use does not get, or does not take: found by words, and not tried for ever.
-- Dropped and added anew with the column of the vectors, whenever the model changes.

alter table chunks add column unembeddable boolean not null default false;
drop index chunks_waiting;
create index chunks_waiting on chunks (hash) where embedding is null and not unembeddable;

alter table alert_names add column unembeddable boolean not null default false;
drop index alert_names_waiting;
create index alert_names_waiting on alert_names (alert)
where embedding is null and words <> '{}' and not unembeddable;
