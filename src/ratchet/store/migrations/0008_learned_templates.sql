-- What the model said about messages that no rule knows, by template, so that it is asked once.

create table learned_templates (
    -- Hash of the template and of the bot that posts it.
    key bytea primary key,
    -- The message it was asked about: what was learned from a message goes with it.
    channel_id text not null,
    ts text not null,
    template text not null,
    -- Null: the model gave no answer that could be used.
    verdict jsonb,
    model text not null,
    asked_at timestamptz not null default now(),
    hits bigint not null default 0,
    -- Moved on at most once a day.
    last_used_at timestamptz not null default now(),
    foreign key (channel_id, ts) references messages (channel_id, ts) on delete cascade
);
create index learned_templates_asked_at on learned_templates (asked_at);
create index learned_templates_last_used_at on learned_templates (last_used_at);
create index learned_templates_example on learned_templates (channel_id, ts);

-- Versions of messages whose template the model is being asked about; `job` runs again when it has answered.
create table undecided_messages (
    channel_id text not null,
    ts text not null,
    version text not null,
    key bytea not null,
    job jsonb not null,
    waiting_since timestamptz not null default now(),
    primary key (channel_id, ts, version),
    foreign key (channel_id, ts) references messages (channel_id, ts) on delete cascade
);
create index undecided_messages_key on undecided_messages (key, ts);
create index undecided_messages_waiting_since on undecided_messages (waiting_since);
