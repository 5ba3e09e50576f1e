"""The terms of alert names: the ways to say one thing, and what kind of thing it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Terms, and the phrases that say them; of those that fit, the longest counts. `-`: says nothing of what is
# wrong, or only how badly. Nouns in the singular.
VOCABULARY: Final = """
-: a, an, the, is, are, was, were, be, been, being, has, have, had, of, in, on, for, at, to, by, with
-: from, and, or, than, per, its, this, that, will, may, might, can, too, very, much, many, more, some
-: there, it, as, so, s, alert, alarm, check, detected, detect, status, state, problem, issue, currently
-: critically, unusually, critical, crit, warning, warn, major, minor, page, info, severe, severity, sev
-: almost, nearly, soon, about, approaching, predicted, over, number, count, total, rate, ratio
-: percentage, time, prod, production, staging, blackbox, capacity, limit, percent, pct, level, triggered
-: firing, value, threshold, current, average, avg, mean, entry, often, again, next week
kube: kubernetes, kube, k8s, k 8 s
host: node, host, server, instance, machine, vm, virtual machine
pod: pod, container
service: service, app, application, system, cluster, process, member, component
http: http, https
request: request, req, response
endpoint: endpoint, website, web site, site, url, healthcheck, health check
endpoint down: probe failed, probe failure, probe failing, probe fail, uptime check failed
target: prometheus target, scrape target, target
database: database, db
disk: disk, filesystem, file system, fs, disk space, filesystem space, free space, disk free space
disk: storage, storage space, volume out of space, volume full, volume usage, volume space, disk volume
disk full: space, will fill in, may fill in, will fill, out of space, out of disk space, out of disk
pvc: persistent volume, persistent volume claim, pvc, kubernetes volume, kube volume
inode: inode, out of file, filesystem file, files filling up
memory: memory, mem, ram
swap: swap, swap space
heap: heap, heap memory, heap space, heap usage, jvm heap, jvm heap memory, jvm memory
fd: file descriptor, open file, fd, fds, file handle, file descriptors limit
conntrack: conntrack, conntrack table, conntrack entry, nf conntrack
connpool: connection pool, conn pool
threadpool: thread pool, threadpool
quota: quota, resource quota
cpu: cpu, processor, cpu load, processor load, cpu usage
load: load average, system load, load
latency: latency, slow, slowness, response time, response latency, request latency, request duration
latency: duration, response slow, slow response, request slow, slow request, round trip time, rtt
error: error, err, errored, error rate, fail, failed, failing, failure, failure rate, error ratio
error: unsuccessful
traffic: traffic, request rate, throughput, qps, rps, request per second, request count, number of request
traffic low: no traffic, no request, zero traffic, traffic dropped to zero, traffic drop to zero
traffic low: traffic is zero
lag: lag, lagging, consumer lag, consumer group lag, behind
replication: replication, slave
replication lag: replication lag, replica lag, slave lag, slave replication lag, replication delay
replication lag: replication behind
replica: replica, replica count
queue: queue, backlog, queue backlog, queue depth, queue length, queue size, message in queue
queue: queue message
dlq: dead letter queue, dlq, dead letter, dlq message, dead letter queue message
dlq: dead letter queue not empty, dlq not empty, dlq message visible, dead letter queue message visible
dlq: message in dlq
connection: connection, conn, client connection
thread: thread
gc: gc, garbage collection, gc pause, gc time, gc pause time, gc duration
diskio: disk io, disk i o, diskio, disk io utilization, disk iops, iops, disk io saturation
diskio: disk utilization io
iowait: iowait, io wait, cpu iowait, cpu io wait
steal: steal, cpu steal
burn: burn rate, error budget burn, budget burn, error budget burn rate, slo burn rate, slo burn
burn: slo error budget burn
restart: restart, restarting, restarted, reboot, rebooted
throttle: throttle, throttled, throttling
cert: certificate, cert, ssl certificate, tls certificate, ssl cert, tls cert
tls: tls, ssl
expiry: expire, expired, expiring, expiry, expiration, will expire, about to expire, near expiration
expiry: near expiry
dns: dns, dns lookup, dns resolution, dns resolve, dns resolving, name resolution, dns query
clock: clock, ntp, time sync
skew: skew, drift, offset, out of range
notsync: not synchronising, not synchronizing, not synchronised, not synchronized, not sync, not synced
notsync: out of sync, unsynced, unsynchronised, unsynchronized, synchronisation lost, synchronization lost
notsync: not syncing
reload error: bad config, bad configuration, reload failed, reload failure, failed reload
reload error: config reload failed, configuration reload failure, configuration reload failed
reload error: config reload failure, config not reloaded
reload: reload, config reload, configuration reload
crashloop: crash looping, crashlooping, crash loop, crashloop
crashloop pod: crash loop back off, crashloop back off, crash loop backoff, crashloopbackoff
oom: oom, oom kill, oom killed, oom killer, oomkill, oomkilled, oomkiller, oom killing, out of memory kill
oom: out of memory killed
imagepull pod: image pull back off, imagepullbackoff, image pull backoff, image pull failed
imagepull pod: image pull failure, image pull error, err image pull, image pull failing, cannot pull image
imagepull pod: failed to pull image, image pull
pending: pending, stuck pending, stuck in pending, pending too long
stuck: stuck, hanging, hung, stalled
down: down, unavailable, unreachable, not available, offline, absent, missing, not running, dead
down: not responding, no response, lost, disappeared, outage, not reachable, unresponsive, no, not up
down: is gone, went away, not present, without
notready: not ready, unready, unhealthy, not healthy, notready, readiness failed, unavailable replica
degraded: degraded
mismatch: mismatch, mismatched, not match, generation mismatch
maxed: maxed out, maxed, scale maximum, at max, at maximum, max replica, maximum replica, scaled to max
maxed: at max replica
readonly: read only, readonly
flapping: flapping, flap
empty: empty, not any
overcommit: overcommit, overcommitted
high: high, elevated, above, exceed, exceeded, exceeding, excessive, excess, increase, increased
high: increasing, spike, spiking, saturation, saturated, rising, rise, growing, growth, grow, large, big
high: long, heavy, heavily, abnormal, greater, piling up, building up, pressure
low: low, below, under, less, drop, dropped, dropping, decreased, decrease, few, insufficient, not enough
low: fewer, lower
full: full, out of, fill, filling, filling up, fills up, exhausted, exhaustion, run out, running out
full: fully used, near full, fully, nearfull, depleted
used: usage, utilization, utilisation, used, use
left: free, available, left, space left, remaining
postgres: postgres, postgresql, postgre sql, pg, pgsql
mysql: mysql, my sql
mongodb: mongodb, mongo, mongo db
rabbitmq: rabbitmq, rabbit mq, rabbit
elasticsearch: elasticsearch, elastic search, elastic
haproxy: haproxy, ha proxy
haproxyserver: haproxy server, ha proxy server
alertmanager: alertmanager, alert manager
noalert: no alert, no alarm
inbound: network in, traffic in, throughput in, bandwidth in, in saturated, in saturation, inbound
outbound: network out, traffic out, throughput out, bandwidth out, out saturated, out saturation, outbound
argocd: argocd, argo cd, argocd app, argo cd app, argocd application, argo cd application, argocd service
argocd: argo cd service
coredns: coredns, core dns
certmanager: cert manager, certmanager
kubeapi: kube api, kube apiserver, kube api server, kubernetes apiserver, kubernetes api server
kubeapi: kubernetes api, apiserver
deployment: deployment, deploy
daemonset: daemonset, daemon set
statefulset: statefulset, stateful set
replicaset: replicaset, replica set
cronjob: cronjob, cron job
hpa: hpa, horizontal pod autoscaler
backup: backup, back up, backup job
raid: raid, raid array
systemd: systemd, systemd unit, systemd service
"""

# Runs out: nearly full, little left, highly used and filling up are one.
RUNS_OUT: Final = _set("disk pvc inode memory swap heap fd conntrack connpool threadpool quota")
# Measured: nobody is woken for little of it, unless the name says so.
MEASURED: Final = _set(
    "cpu load latency error traffic lag queue dlq connection thread gc diskio iowait steal burn restart"
    " throttle"
)
LEVELS: Final = _set("high low full used left")
# Said of something that is named beside it.
STATES: Final = _set(
    "down notready imagepull pending stuck expiry mismatch skew notsync degraded maxed readonly flapping"
    " empty overcommit reload"
)
# They say on their own what is wrong.
ENOUGH: Final = MEASURED | {"oom", "crashloop"}
# Said of nearly anything: they count where nothing else is named; a host also beside these measures.
VAGUE: Final = _set("service http request")
OF_HOSTS: Final = _set("error latency traffic restart")
KUBERNETES: Final = _set(
    "pod deployment daemonset statefulset replicaset cronjob job hpa pvc kubelet kubeapi namespace quota"
    " notready"
)
# What says nothing more beside the first.
IMPLIED: Final[Mapping[str, Sequence[str]]] = {
    "inode": ("disk",),
    "pvc": ("disk",),
    "disk": ("volume", "partition", "mount"),
    "cert": ("tls",),
    "imagepull": ("error",),
    "burn": ("high",),
    "dlq": ("queue",),
    "heap": ("memory",),
    "target": ("prometheus",),
    "endpoint": ("http",),
}

# What there are many of, numbered: `broker 1`, `web 01`.
NUMBERED: Final = _set(
    "node host server instance machine vm broker shard replica partition member peer worker web db database"
    " cache pod container disk drive eth interface nic gpu core rack zone cluster backend upstream slave"
    " master primary secondary agent runner osd psu fan ups line link tunnel"
)
BEFORE_LIMIT: Final = _set(
    "above over below under than exceeds exceeded exceeding in within for usage utilization used last gt lt"
    " is at"
)
UNITS: Final = _set(
    "percent pct s sec second ms m min minute h hr hour d day w week month gb mb tb kb gi mi th x"
)
# At the end of a name: `TooManyConnections(>80%)`, taken apart, has lost its signs.
PERCENTAGES: Final = frozenset(map(str, range(50, 101, 5)))
ABOUT_STATUS: Final = _set("http https error status code response return")
