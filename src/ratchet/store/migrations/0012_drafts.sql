-- Answers that wait for a person before they are posted. They quote people: what is not decided is found when it must go.

alter table approvals add column draft boolean not null default false;
create index approvals_drafts on approvals (created_at) where draft and state = 'pending';
