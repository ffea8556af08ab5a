"""The list's queries against a plain reference: every view, order, filter and page of many odd
lines, worked out by loops over all of them."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any

import msgspec
import pytest
from psycopg.rows import dict_row

from integration.store import Db, Store, worklist
from integration.store.worklist import Filters
from mappings.assessment import CHARGES
from tests.contract.test_many_answers import together

SITES = ["general", "west"]
CLINICIAN = ["ferritin", "order"]
REQUIREMENTS = [*CLINICIAN, "coverage", "place-of-service"]
TODAY = date.today()  # noqa: DTZ011 (as the list has it)
NAMES = [None, "Abbott, Ines", "abbott, li", "O'Neil, 50%", "Under_score, A", "Back\\slash, B",
         "Ünal, Çiğdem", "Zhou, 漢", ""]  # fmt: skip
PATIENTS = 60
PAGE = 7


class Seeder:
    """Lines of all kinds, by chance, the same each time."""

    def __init__(self, db: Db, seed: int) -> None:
        self.db, self.chance = db, random.Random(seed)

    def seed(self, patients: int) -> None:
        for number in range(patients):
            patient = self._one(
                "insert into patients (site, fhir_id, name) values (%s, %s, %s) returning id",
                [self.chance.choice([*SITES, "left"]), f"p{number}", self.chance.choice(NAMES)],
            )
            for dose in range(self.chance.randrange(4)):
                self.pair(patient, f"d{dose}")

    def pair(self, patient: int, dose: str) -> None:
        pick = self.chance.choice
        reasons = self.chance.sample(REQUIREMENTS, self.chance.randrange(1, 4))
        shared = {
            "service_date": pick([None, TODAY - timedelta(days=self.chance.randrange(9))]),
            "policy": pick([None, "medicare-part-b", "aetna"]),
            "owner": pick([None, None, "ada", "bob"]),
            "provider": pick([None, "Gray, Ann", "Who, Dr"]),
            "snoozed": pick(
                [None, None, TODAY, TODAY + timedelta(days=self.chance.randrange(-1, 3))]
            ),
            "labels": pick([[], ["urgent"], ["urgent", "appeal"]]),
        }
        ids = [dose, f"{dose}-w"] if self.chance.random() < 0.5 else [dose]
        for number, line in enumerate(ids):
            status = pick(["ready", "held", "held", "not-billable"])
            self._line(patient, line, dose if number else None, status, reasons, shared)
        for reason in reasons:
            self._gap(patient, f"{dose}-{reason}", reason, ids)
        if self.chance.random() < 0.5:
            self._released(patient, ids if self.chance.random() < 0.8 else ids[:1])

    def _line(
        self, patient: int, line: str, dose: str | None, status: str, reasons: list[str],
        shared: dict[str, Any],
    ) -> None:  # fmt: skip
        pick = self.chance.choice
        document = {
            "id": line,
            "discardOf": dose,
            "status": status,
            "placeOfService": pick([None, "11", "22"]),
            "fileBy": pick([None, "2027-01-31", "2026-06-30"]),
        }
        value = pick([None, Decimal(0), Decimal("22.30"), Decimal(self.chance.randrange(400))])
        changed = datetime.now(UTC) - timedelta(hours=self.chance.randrange(48))
        self.db.execute(
            "insert into lines (patient_id, id, service_date, code, modifiers, units, status,"
            " payment, reasons, policy, coverage, value, document, owner, provider, labels,"
            " snoozed_until, first_seen_at, changed_at, status_since) values (%s, %s, %s, %s, '{}',"
            " 1, %s, %s, %s, %s, null, %s, %s, %s, %s, %s, %s, now(), %s, now())",
            [patient, line, shared["service_date"], pick(["J1756", "J1439", "X_5%"]), status,
             pick([None, "separate", *CHARGES]), reasons if status == "held" else [],
             shared["policy"], value, msgspec.json.encode(document).decode(), shared["owner"],
             shared["provider"], shared["labels"], shared["snoozed"], changed],
        )  # fmt: skip

    def _gap(self, patient: int, gap: str, requirement: str, lines: list[str]) -> None:
        waivable, closed = self.chance.random() < 0.7, self.chance.random() < 0.2
        self.db.execute(
            "insert into gaps (patient_id, id, requirement, state, blocking, waivable, severity,"
            " administrations, lines, document, opened_at, changed_at, closed_at) values (%s, %s,"
            " %s, 'missing', true, %s, 'low', '{a}', %s, '{}', now(), now(), %s)",
            [patient, gap, requirement, waivable, lines, datetime.now(UTC) if closed else None],
        )
        if self.chance.random() < 0.5:
            self.db.execute(
                "insert into waivers (patient_id, gap_id, administrations, reason, waived_by)"
                " values (%s, %s, '{a}', 'because', 'dr')",
                [patient, gap],
            )

    def _released(self, patient: int, lines: list[str]) -> None:
        state = self.chance.choice([None, "sent", "accepted", "rejected", "paid", "denied"])
        releases = [
            self._one(
                "insert into releases (patient_id, line_id, document, released_by) select"
                " patient_id, id, case when %s then document || '{\"units\": 9}' else document end,"
                " 'ada' from lines where patient_id = %s and id = %s returning id",
                [self.chance.random() < 0.2, patient, line],
            )
            for line in lines
        ]
        if state:
            self._sent(patient, lines, releases, state)

    def _sent(self, patient: int, lines: list[str], releases: list[int], state: str) -> None:
        number = f"C{self.chance.randrange(10**9):09}"
        file = self._one(
            "insert into claim_files (site, name, format, kind, control, production, trial,"
            " written_by, sha256, content) values ('general', %s, 'x12', '837P', 1, true, false,"
            " 'ada', '', '') returning id",
            [number],
        )
        claim = self._one(
            "insert into claims (file_id, number, draft_id, patient_id, frequency, total, lines,"
            " state) values (%s, %s, '', %s, '1', 1, %s, %s) returning id",
            [file, number, patient, lines, state],
        )
        for line, release in zip(lines, releases, strict=True):
            self.db.execute(
                "insert into claim_lines values (%s, %s, %s, %s, true)",
                [claim, patient, line, release],
            )
            if state == "denied" and self.chance.random() < 0.3:
                self.db.execute(
                    "insert into write_offs (patient_id, release_id, reason, note, written_off_by)"
                    " values (%s, %s, 'too-late', '', 'ada')",
                    [patient, release],
                )

    def _one(self, query: str, values: list[Any]) -> int:
        row = self.db.execute(query.encode(), values).fetchone()
        assert row
        return int(row[0])


Line = dict[str, Any]


def everything(db: Db) -> list[Line]:
    """Every line with what is said of its pair, in no order."""
    query = (
        "select w.*, p.name, p.fhir_id from worklist_now w join patients p on p.id = w.patient_id"
    )
    with db.cursor(row_factory=dict_row) as rows:
        return rows.execute(query).fetchall()


def sleeps(line: Line) -> bool:
    return line["snoozed_until"] is not None and line["snoozed_until"] > TODAY


def awake(line: Line) -> bool:
    return not sleeps(line)


VIEWS: dict[worklist.View, Callable[[Line], bool]] = {
    "ready": lambda x: x["status"] == "ready" and not x["released"] and awake(x),
    "held-clinician": lambda x: (
        not x["released"] and bool({*x["waits_for"]} & {*CLINICIAN}) and awake(x)
    ),
    "held-us": lambda x: not x["released"] and bool({*x["waits_for"]} - {*CLINICIAN}) and awake(x),
    "waived": lambda x: (
        x["status"] == "held" and not x["waits_for"] and not x["released"] and awake(x)
    ),
    "snoozed": lambda x: sleeps(x) and (not x["released"] or (x["refused"] and not x["closed"])),
    "released": lambda x: x["released"] and not x["changed"] and not x["sent"],
    "sent": lambda x: x["sent"] and not x["changed"] and not x["refused"] and not x["settled"],
    "denied": lambda x: (
        x["sent"] and not x["changed"] and x["refused"] and not x["closed"] and awake(x)
    ),
    "paid": lambda x: x["sent"] and not x["changed"] and not x["refused"] and x["settled"],
    "written-off": lambda x: x["sent"] and not x["changed"] and x["closed"],
    "changed": lambda x: x["changed"],
    "not-billable": lambda x: x["status"] == "not-billable",
    "all": lambda _: True,
}


def wanted(line: Line, filters: Filters) -> bool:
    find, day = filters.find, line["service_date"]
    return (
        line["site"] in SITES
        and filters.site in ("", line["site"])
        and VIEWS[filters.view](line)
        and filters.policy in ("", line["policy"])
        and filters.requirement in ("", *line["waits_for"], *line["waived_for"])
        and (filters.owner in ("", line["owner"]) or (filters.owner == "-" and not line["owner"]))
        and filters.provider in ("", line["provider"])
        and filters.place in ("", line["place"])
        and (not filters.label or filters.label in line["labels"])
        and (not filters.since or (day is not None and str(day) >= filters.since))
        and (not filters.until or (day is not None and str(day) <= filters.until))
        and (not filters.changed or line["changed_at"] > datetime.now(UTC) - timedelta(days=1))
        and (
            not find
            or find.lower() in (line["name"] or "").lower()
            or find.lower() in line["code"].lower()
            or find in (line["fhir_id"], line["sent_number"])
        )
    )  # fmt: skip


def last(value: Any) -> tuple[bool, Any]:
    """Sorts what is not there behind everything."""
    return value is None, value if value is not None else 0


def age(line: Line) -> int:
    return max(1, (TODAY - line["day"]).days) if line["day"] else 1


ORDERS: dict[worklist.Sort, Callable[[Line], Any]] = {
    "worth": lambda x: -(x["worth"] or 0) * age(x),
    "due": lambda x: (x["due"] is None, x["due"] or ""),
    "money": lambda x: (x["worth"] is None, -(x["worth"] or 0)),
    "age": lambda x: (x["day"] is not None, x["day"] or TODAY),
    "date": lambda x: (x["day"] is None, -x["day"].toordinal() if x["day"] else 0),
    "patient": lambda x: (x["name"] is None, x["name"] or "", x["fhir_id"]),
}


def reference(lines: Iterable[Line], filters: Filters) -> list[list[str]]:
    """The pages."""
    found = [line for line in lines if wanted(line, filters)]
    found.sort(
        key=lambda x: (
            ORDERS[filters.sort](x), x["day"] is not None, x["day"] or TODAY, x["patient_id"],
            x["pair"], x["line_id"] != x["pair"],
        )
    )  # fmt: skip
    pairs = [list(some) for _, some in groupby(found, lambda x: (x["patient_id"], x["pair"]))]
    return [
        [key(line) for pair in pairs[at : at + PAGE] for line in pair]
        for at in range(0, len(pairs), PAGE)
    ]


def key(line: Line) -> str:
    return f"{line['patient_id']}:{line['line_id']}"


def pages(db: Db, filters: Filters) -> Iterator[list[str]]:
    number = 1
    while found := worklist.rows(db, replace(filters, page=number), SITES, CLINICIAN, PAGE):
        yield [row.key for row in found]
        number += 1


def some_filters(chance: random.Random) -> Filters:
    """One or two of them."""
    days = [str(TODAY - timedelta(days=number)) for number in range(9)]
    choices = {
        "site": [*SITES, "left"],
        "policy": ["aetna", "nobody"],
        "requirement": REQUIREMENTS,
        "owner": ["ada", "-"],
        "provider": ["Gray, Ann"],
        "place": ["11", "22"],
        "label": ["urgent", "appeal"],
        "since": days,
        "until": days,
        "find": ["abb", "%", "_", "\\", "50%", "ü", "Ç", "漢", "p1", "j14", "O'", "x_5%"],
        "changed": ["1"],
    }
    chosen: dict[str, Any] = {
        name: chance.choice(choices[name]) for name in chance.sample(sorted(choices), 2)
    }
    if chosen.get("site") == "left":
        chosen["site"] = ""
    return Filters(**chosen)


@pytest.fixture
def seeded(store: Store) -> Store:
    with store.transaction() as db:
        Seeder(db, 1).seed(PATIENTS)
    return store


def test_every_view_and_order_and_page(seeded: Store) -> None:
    with seeded.transaction() as db:
        lines = everything(db)
        counts = worklist.counts(db, SITES, CLINICIAN)
        for view in VIEWS:
            there = [x for x in lines if wanted(x, Filters(view=view))]
            assert there, view
            assert (view, counts[view]) == (view, len(there))
            for sort in ORDERS:
                filters = Filters(view=view, sort=sort)
                assert list(pages(db, filters)) == reference(lines, filters), filters


def test_filters_together(seeded: Store) -> None:
    chance, found = random.Random(2), 0
    with seeded.transaction() as db:
        lines = everything(db)
        for _ in range(300):
            filters = replace(
                some_filters(chance), view=chance.choice([*VIEWS]), sort=chance.choice([*ORDERS])
            )
            expected = reference(lines, filters)
            assert list(pages(db, filters)) == expected, filters
            there = [x for x in lines if wanted(x, filters)]
            sums = worklist.sums(db, filters, SITES, CLINICIAN)
            packed = sum(x["payment"] in CHARGES for x in there)
            unpriced = sum(x["value"] is None and x["payment"] not in CHARGES for x in there)
            assert (sums.count, sums.money) == (len(there), sum(x["value"] or 0 for x in there))
            assert (sums.charges, sums.unpriced) == (packed, unpriced)
            assert sums.pairs == len({(x["patient_id"], x["pair"]) for x in there})
            found += bool(expected)
    assert found > 100


CHANGES = (
    "update lines set owner = %(word)s, value = %(number)s where patient_id = %(patient)s",
    "delete from waivers where patient_id = %(patient)s",
    "update gaps set closed_at = now() where patient_id = %(patient)s and waivable",
    "update gaps set closed_at = null where patient_id = %(patient)s",
    "update lines set document = document || '{\"units\": 3}' where patient_id = %(patient)s",
    "update releases set withdrawn_at = now() where patient_id = %(patient)s and id %% 2 = 0",
    "update claims set state = 'paid' where patient_id = %(patient)s",
    "update write_offs set undone_at = now() where patient_id = %(patient)s",
    "delete from lines where patient_id = %(patient)s and id like '%%-w'",
)


def test_the_kept_list_is_what_is_so_however_many_change_it_at_once(seeded: Store) -> None:
    """Each change of a patient's is kept with those of others that ended before it."""

    def change(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(40):
            values = {"patient": chance.randrange(1, 6), "word": f"w{seed}", "number": number}
            with seeded.transaction() as db:
                db.execute(chance.choice(CHANGES).encode(), values)

    assert together(*[partial(change, seed) for seed in range(6)]) == []
    with seeded.transaction() as db:
        differ = """select count(*) from ((table worklist except table worklist_now)
            union all (table worklist_now except table worklist)) x"""
        assert db.execute(differ).fetchone() == (0,)
        assert db.execute("select count(*) from worklist_stale").fetchone() == (0,)
