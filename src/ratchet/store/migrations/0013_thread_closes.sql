-- A resolve in the thread of an alert belongs to that alert only when the same bot says it.

-- The events as they are paired. `stays`: an edit that keeps a message open, which is a sign of life and no firing.
-- `pair_key`: what a message opened under it closes under, whatever its later versions call themselves; a resolve
-- of the same bot in the thread of an alert belongs to that alert.
create or replace view incident_steps as
with versions as (
    select e.*, lag(e.action) over (partition by e.channel_id, e.ts order by e.version) as before
    from incident_events e
)
select v.channel_id, v.ts, v.version, v.parent_ts, v.happened_at, v.action,
       coalesce(o.pair_key, v.pair_key, 'thread:' || coalesce(v.parent_ts, v.ts)) as pair_key,
       v.service, v.alert, v.priority, v.tool,
       v.action = 'open_incident' and v.before is not distinct from 'open_incident' as stays
from versions v
left join lateral (
    select coalesce(e.pair_key, 'thread:' || coalesce(e.parent_ts, e.ts)) as pair_key
    from incident_events e
    where (v.before is not null or v.action = 'close_incident')
      and e.channel_id = v.channel_id and e.ts in (v.ts, v.parent_ts) and e.action = 'open_incident'
      and (e.ts = v.ts and e.version < v.version
           or e.ts = v.parent_ts and v.action = 'close_incident' and coalesce(e.attrs->>'bot' = v.attrs->>'bot', true))
    order by e.ts = v.ts desc, e.version limit 1
) o on true;
