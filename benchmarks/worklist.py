"""What the first page of the worklist asks the database, at 100,000 lines.

    python benchmarks/worklist.py

The lines are made in the database: 40,000 patients, half of whose lines were sent, a tenth each
held by a clinician, held by us, ready, released, and not billable.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

from benchmarks.service import seconds
from integration.configuration.settings import Settings
from integration.store import Store, assessments, patients, worklist
from integration.store.worklist import Filters
from integration.wording import words
from tests.builders import chart, document_of

LINES, PATIENTS, SITE = 100_000, 40_000, "general"
TIMES = 15
FILLED = ("lines", "gaps", "releases", "claims", "claim_lines")

_LINES = """insert into lines (patient_id, id, service_date, code, modifiers, units, status,
    payment, reasons, policy, coverage, value, document, first_seen_at, changed_at, status_since,
    provider)
    select l.patient_id + 1 + n %% %(patients)s, 'line' || n, current_date - (n %% 400)::int,
        l.code, l.modifiers, l.units, k.status, l.payment, k.reasons,
        (array['medicare-part-b', 'aetna', 'cigna', 'humana'])[1 + n %% 4], l.coverage,
        200 + n %% 7,
        l.document || jsonb_build_object('id', 'line' || n, 'status', k.status), now(), now(),
        now(), 'Doctor ' || n %% 20
    from lines l cross join generate_series(0, %(lines)s - 1) n
    cross join lateral (select case n %% 10 when 0 then 'held' when 1 then 'held'
            when 2 then 'not-billable' else 'ready' end as status,
        case n %% 10 when 0 then array['ferritin'] when 1 then array['coverage'] else '{}'::text[]
            end as reasons) k
    where l.patient_id = %(first)s"""
_RELEASES = """insert into releases (patient_id, line_id, document, released_by)
    select patient_id, id, document, 'ada' from lines
    where id like 'line%' and right(id, 1) in ('4', '5', '6', '7', '8', '9')"""
_FILE = """insert into claim_files (site, name, format, kind, control, production, trial,
    written_by, sha256, content) values ('general', 'a', 'x12', '837P', 1, true, false, 'ada', '',
    '') returning id"""
_CLAIMS = """with made as (insert into claims (file_id, number, draft_id, patient_id, frequency,
        total, lines) select 1, r.id::text, r.id::text, r.patient_id, '1', 200, array[r.line_id]
        from releases r where right(r.line_id, 1) in ('5', '6', '7', '8', '9')
        returning id, number, patient_id, lines)
    insert into claim_lines (claim_id, patient_id, line_id, release_id, production)
    select id, patient_id, lines[1], number::bigint, true from made"""
_GAPS = """insert into gaps (patient_id, id, requirement, state, blocking, waivable, severity,
        administrations, lines, document, opened_at, changed_at)
    select patient_id, 'gap-' || id, reasons[1], 'missing', true, true, 'low', '{}', array[id],
        '{}', now(), now() from lines where id like 'line%' and status = 'held'"""


def filled(store: Store) -> None:
    """One patient's line as the mapping makes it, and LINES like it."""
    now = datetime.now(UTC)
    found = document_of(list(chart()), now).patients[0]
    with store.transaction() as db:
        one = patients.known(db, SITE, "p1")
        assessments.keep(db, one, found, now, "sweep")
        db.execute(
            "insert into patients (site, fhir_id, name, concerns_us) select 'general', 'w' || n,"
            " 'Family' || n || ', Given', true from generate_series(1, %s::int) n",
            [PATIENTS],
        )
    with store.transaction() as db:
        for table in FILLED:
            db.execute(f"alter table {table} disable trigger user")
        db.execute(_LINES, {"lines": LINES, "patients": PATIENTS, "first": one.id})
        for statement in (_GAPS, _RELEASES, _FILE, _CLAIMS):
            db.execute(statement.encode())
        db.execute("analyze")
        for table in FILLED:
            db.execute(f"alter table {table} enable trigger user")
        db.execute("truncate worklist")
        db.execute("insert into worklist select * from worklist_now")
    with store.pool.connection() as db:
        db.autocommit = True
        db.execute("vacuum analyze")
        db.autocommit = False


def asked(store: Store) -> None:
    """Each question for itself, and all of them, as the page asks them."""
    sites, clinician, first = [SITE], words.of_clinicians(), Filters()
    with store.transaction() as db:
        backend = psutil.Process(db.info.backend_pid)
        db.execute("set max_parallel_workers_per_gather = 0")  # so that all is in one process
        whole = 0.0
        for name, ask in {
            "rows": lambda: worklist.rows(db, first, sites, clinician),
            "sums": lambda: worklist.sums(db, first, sites, clinician),
            "counts": lambda: worklist.counts(db, sites, clinician),
            "choices": lambda: worklist.choices(db, sites),
        }.items():
            took, before = [], seconds(backend)
            for _ in range(TIMES):
                begun = time.perf_counter()
                ask()
                took.append(time.perf_counter() - begun)
            spent = (seconds(backend) - before) / TIMES
            whole += spent
            print(f"{name:8} {1000 * statistics.median(took):4.0f} ms, {1000 * spent:3.0f} of CPU")
        print(f"together {1000 * whole:.0f} ms of CPU")


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="ferroclaim-", ignore_cleanup_errors=True) as folder,
        Store.open(Settings.model_validate({"data_dir": folder})) as store,
    ):
        filled(store)
        asked(store)
        assert store.embedded
        store.embedded.stop()


if __name__ == "__main__":
    main()
