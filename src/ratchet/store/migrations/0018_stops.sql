-- Where somebody pressed Slack's own stop button. Kept for a week; a turn that runs reads it by its key.

create table stops (
    channel_id  text not null,
    thread_ts   text not null,
    stopped_ts  text not null,
    user_id     text not null,
    recorded_at timestamptz not null default now(),
    primary key (channel_id, thread_ts)
);
