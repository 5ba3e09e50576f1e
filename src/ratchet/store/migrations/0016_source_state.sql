-- What a source leaves for its next refresh, and how far the one at hand is.

-- Of the settings with which the last refresh read everything; '' when it could not.
alter table sources add column fingerprint text not null default '';
-- The source's own: {etag} of a repository, {pages} of a website.
alter table sources add column memory jsonb not null default '{}';
-- What the operator should know and nothing stops on.
alter table sources add column note text;
-- So many of the changed files are read; null when none are being read.
alter table sources add column done int;
alter table sources add column total int;
