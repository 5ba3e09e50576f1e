-- What happens in a channel by the clock, and questions that are asked with other buttons than an approval's.

create table schedules (
    channel_id text not null,
    -- What is done; a row of an unknown kind waits for the version that knows it.
    kind text not null,
    -- Five fields, in `time_zone`.
    cron text not null,
    time_zone text not null default 'UTC',
    -- The next time. What was missed is done once, and then counted from there.
    due_at timestamptz not null,
    last_run_at timestamptz,
    primary key (channel_id, kind)
);
create index schedules_due on schedules (due_at);

-- `approval`, `hand_over`, `suggest_docs`: what the buttons say and who may click them.
alter table approvals add column form text not null default 'approval';
-- What quotes people and is not decided is found when it must go.
create index approvals_open on approvals (created_at) where state = 'pending' and (draft or form <> 'approval');
