"""Jobs whose worker died: they go back into the queue.

A job at work holds its key's lock in the database (`Store.holding`), and the database lets go of it
when the process or its machine is gone. So a job that is said to be at work while nobody holds its
key has nobody: no guess about clocks or heartbeats. A job that procrastinate calls failed met a
database that was away, since all other failures are decided by us.

Held by tests/contract/test_crashes.py.
"""

from integration.store import Db

GRACE_SECONDS = 10.0  # between a job's start and its lock

_ORPHANS = """
    select j.id from procrastinate_jobs j
    where j.status = 'failed' or (j.status = 'doing'
        and not exists (select 1 from procrastinate_events e
            where e.job_id = j.id and e.type = 'started'
                and e.at > now() - make_interval(secs => %s))
        and not exists (select 1 from pg_locks l
            where l.locktype = 'advisory' and l.granted and l.objsubid = 1
                and l.database = (select oid from pg_database where datname = current_database())
                and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(j.lock, 0)))
    order by j.id for update of j skip locked
"""
_HAS_TWIN = """
    select 1 from procrastinate_jobs j join procrastinate_jobs twin on twin.queueing_lock =
        j.queueing_lock and twin.status = 'todo'
    where j.id = %s
"""


# No work is put off for longer by anything but a clock that was ahead. Patients may be given longer
# to settle.
_PUT_OFF = """
    update procrastinate_jobs set scheduled_at = now() where status = 'todo' and scheduled_at >
        now() + case when args ? 'until' then interval '1 day' else interval '1 hour' end
"""


def take_over(db: Db, grace_seconds: float = GRACE_SECONDS) -> int:
    """Puts such jobs back to the queue; how many. One whose key waits there already is not needed
    any more."""
    db.execute(_PUT_OFF)
    orphans = [row[0] for row in db.execute(_ORPHANS, [grace_seconds])]
    for identity in orphans:
        if db.execute(_HAS_TWIN, [identity]).fetchone():
            db.execute("delete from procrastinate_jobs where id = %s", [identity])
        else:
            db.execute("select procrastinate_retry_job_v2(%s, now(), null, null, null)", [identity])
    return len(orphans)
