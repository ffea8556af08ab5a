"""The list as a table for spreadsheets: everything that the page shows of a line, all pages.

Held by tests/contract/test_worklist.py.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from integration.store.worklist import Row
from integration.web.worklist import desk
from integration.wording import words
from mappings.writing.answers.write_offs import write_off_reasons
from mappings.writing.table import safe

HEADER = (
    "service date", "site", "patient", "patient name", "birth date", "payer", "payer policy",
    "provider", "place", "line", "units", "status", "waits for", "waived for", "money", "payment",
    "days since service", "days left to file", "owner", "labels", "snoozed until", "line id",
    "release reason", "claim", "claim file", "paid", "denied for", "written off",
)  # fmt: skip


def text_of(rows: Iterable[Row], payers: Mapping[str, str], today: date) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow([safe(cell) for cell in _cells(row, payers, today)])
    return out.getvalue()


def _cells(row: Row, payers: Mapping[str, str], today: date) -> list[object]:
    line = row.line
    who = [line.given_on, row.site, row.patient, row.name, row.born]
    payer = [payers.get(row.policy or "", row.policy), row.policy]
    what = [row.provider, desk.place(row.place), " ".join([line.code, *line.modifiers]), line.units]
    state = [words.status(row.state), *map("; ".join, (row.waits_for, row.waived_for))]
    age = (today - row.service_date).days if row.service_date else None
    worth = [row.value, row.payment, age, desk.days_left(row, today)]
    ours = [row.owner, "; ".join(row.labels), row.snoozed_until, row.line_id]
    return [
        *who,
        *payer,
        *what,
        *state,
        *worth,
        *ours,
        row.release_reason,
        row.sent_number,
        row.sent_file,
        row.paid,
        "; ".join(row.denied_for),
        write_off_reasons()[row.written_off] if row.closed and row.written_off else None,
    ]
