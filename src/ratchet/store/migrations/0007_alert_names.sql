-- Every name under which an alert was ever recorded, taken apart and embedded: how similar alerts are found.
-- Who may see a name is decided by the events it has, here as everywhere; a name without any is pruned.

create table alert_names (
    alert text primary key,
    -- As store/naming.py takes it apart, in order and with all words: which of them count is decided when one asks.
    words text[] not null,
    -- Of the words; null until it is made.
    embedding halfvec(384),
    -- Of what was recorded first; history that was read later reaches further back.
    first_at timestamptz not null
);
create index alert_names_words on alert_names using gin (words);
create index alert_names_embedding on alert_names using hnsw (embedding halfvec_cosine_ops);
create index alert_names_waiting on alert_names (alert) where embedding is null and words <> '{}';

-- KubePodOOMKilled4xx → kube pod oom killed 4 xx, step by step, as a regular expression here has no humps.
insert into alert_names (alert, words, first_at)
select e.alert,
       string_to_array(btrim(regexp_replace(lower(
           regexp_replace(regexp_replace(regexp_replace(regexp_replace(
               e.alert,
               '([A-Z]+)([A-Z][a-z])', '\1 \2', 'g'),
               '([a-z])([A-Z])', '\1 \2', 'g'),
               '([A-Za-z])([0-9])', '\1 \2', 'g'),
               '([0-9])([A-Za-z])', '\1 \2', 'g')),
           '[^[:alnum:]]+', ' ', 'g')), ' '),
       min(e.happened_at)
from incident_events e where e.alert is not null group by e.alert;
