-- What an answer was made from, so that it can be judged later; and votes by reaction beside those by button.

-- No text: question and answer are read from `messages`, and what was deleted there cannot be read.
create table answers (
    key text primary key, -- of the outbox
    handler text not null,
    channel_id text not null,
    thread_ts text not null,
    -- The message that asked.
    asked_ts text not null,
    -- Null: no model wrote it.
    model text,
    -- Of the instructions: the first 12 hex digits of SHA-256.
    prompt_hash text,
    created_at timestamptz not null default now(),
    foreign key (channel_id, asked_ts) references messages (channel_id, ts) on delete cascade
);
create index answers_asked on answers (channel_id, asked_ts);
create index answers_created_at on answers (created_at);

-- `value` is the person's latest word that stands: of their click and their reactions, which can be taken back.
-- `clicked` is the click alone: 0 for none. Null, by a version that knew no reactions: `value` is the click.
alter table votes add column clicked smallint check (clicked in (-1, 0, 1)), add column clicked_ts text;

-- From a post to its answer, when somebody reacts.
create index outbox_slack_ts on outbox using gin (slack_ts);
