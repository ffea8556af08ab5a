"""Which of the claims and files that left an answer is to.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from psycopg.rows import class_row

from integration.store.claims import KeptClaim, Sent, selected
from integration.store.database.connection import Db

_DIGITS = 9
_DRAWN_MEANWHILE = 10_000  # numbers of its other sets, and of files that are written beside it


@dataclass(frozen=True)
class Naming:
    """How an answer says which claim it is to: `number` is CLM01, `set` the transaction set (ST02)
    and `biller` the billing provider's NPI, where they are named, `charge` what was charged (0: it
    is not told). `said` and `day`: of the answer. One in a `test` is to no claim that counts."""

    number: str
    said: str
    is_payment: bool
    is_test: bool
    set: str = ""
    biller: str = ""
    charge: Decimal = Decimal(0)
    day: date | None = None


# Two sites whose EHRs count alike may have one number. A claim that was rejected leaves anew under
# its number: an answer that was read before is to the claim that it was read for, one that names a
# set to the claim in it, and none is to a claim that left after it (a day aside, for zones;
# nobody pays on the same day).
_MEANT = """and f.site = any(%(sites)s) and c.number = %(number)s
    and not (f.production and %(is_test)s) order by
    exists (select 1 from answers a where a.claim_id = c.id and a.said = %(said)s) desc,
    (%(set)s <> '' and position(%(in_set)s::bytea in f.content) > 0) desc,
    (%(biller)s <> '' and position(%(by_biller)s::bytea in f.content) > 0) desc,
    coalesce(f.written_at::date - %(day)s::date <= case when %(is_payment)s then -1 else 1 end,
        true) desc,
    (c.total = abs(%(charge)s)) desc,
    (c.frequency = '8' and %(is_payment)s), f.production desc, f.trial, c.id desc limit 1"""


def answering(db: Db, sites: Sequence[str], named: Naming) -> Sent | None:
    """The claim at SITES: one that counts before a test, the newest; of a payment no void."""
    values = asdict(named) | {
        "sites": list(sites),
        "in_set": _in_set(named.set),
        "by_biller": f"*XX*{named.biller}~".encode(),
    }
    return next(iter(selected(db, _MEANT, values, with_trials=True)), None)


def of_file(db: Db, file_id: int, number: str) -> Sent | None:
    """A claim of that number in a file."""
    where = "and c.file_id = %(file)s and c.number = %(number)s limit 1"
    values = {"file": file_id, "number": number}
    return next(iter(selected(db, where, values, with_trials=True)), None)


def by_control(db: Db, control: int, sites: Sequence[str], *, is_test: bool) -> KeptClaim | None:
    """An interchange of ours by its number. An answer in a test is to none that counts."""
    return _file(db, "control = %s", [control], sites, is_test)


def by_set(db: Db, number: str, sites: Sequence[str], *, is_test: bool) -> KeptClaim | None:
    """The interchange that holds a transaction set, which is numbered after it."""
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS):
        return None
    where = "control between %s and %s and position(%s::bytea in content) > 0"
    last = int(number) - 1
    values = [last - _DRAWN_MEANWHILE, last, _in_set(number)]
    return _file(db, where, values, sites, is_test)


def _in_set(number: str) -> bytes:
    """How a set of ours begins."""
    return f"ST*837*{number}*".encode()


def _file(
    db: Db, where: str, values: Sequence[object], sites: Sequence[str], is_test: bool
) -> KeptClaim | None:
    query = f"""select id, name, content from claim_files where format = 'x12' and {where}
        and site = any(%s) and not (production and %s) order by control desc limit 1"""  # noqa: S608
    with db.cursor(row_factory=class_row(KeptClaim)) as cursor:
        return cursor.execute(query.encode(), [*values, list(sites), is_test]).fetchone()
