-- What language models cost, turn by turn; and indexes for the usage report.

create table llm_calls (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    model text not null,
    purpose text not null,
    channel_id text,
    -- Of the instructions, which are ours: no text that anybody wrote.
    prompt_hash text not null,
    requests int not null,
    tool_calls int not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    -- Null when the model's price is not known.
    cost_usd double precision,
    seconds double precision not null,
    -- The kind of error only: its text may quote the prompt.
    error text,
    -- Redacted, and only while RATCHET_KEEP_MODEL_CONTENTS is on.
    contents jsonb
);
create index llm_calls_at on llm_calls (at);
-- Budgets sum it before every turn: from the index alone.
create index llm_calls_spent on llm_calls (channel_id, at) include (cost_usd);
create index llm_calls_contents on llm_calls (at) where contents is not null;

create index outbox_created_at on outbox (created_at);
create index runbooks_created_at on runbooks (created_at);
create index runbooks_pinned on runbooks (id) where pinned;
