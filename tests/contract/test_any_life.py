"""Whatever a biller does and payers answer, in whatever order: what always holds."""

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from integration.claims.sent import corrections
from integration.errors import FerroclaimError
from integration.store import answers, claims, releases, write_offs
from integration.store.write_offs import WriteOff
from tests.answers import remittance, status
from tests.office import PAIR, PLAN, Opened
from tests.sent import ACCEPTED, HOUSE, INVALID, Sent

_PAID = {"paid": ("1", ""), "back": ("22", "-")}


class Life:
    """An office, and chance."""

    def __init__(self, sent: Sent, seed: int) -> None:
        self.sent, self.chance, self.day = sent, random.Random(seed), 1
        self.acts: list[Callable[[], Any]] = [
            sent.office.withdraw,
            sent.office.release,
            sent.office.write,
            self.void,
            self.tell,
            partial(self.close, WriteOff("too-late")),
            partial(self.close, None),
            *(partial(self.front_end, row) for row in (ACCEPTED, INVALID)),
            *(partial(self.payer, name) for name in ("paid", "back", "denied")),
        ]

    @property
    def number(self) -> str:
        found = self.sent.office.service.rows("select number from claims order by id")
        return str(self.chance.choice(found)[0])

    def void(self) -> None:
        self.sent.office.write(corrections=corrections([], [f"{self.number}=ICN1"]))

    def tell(self) -> None:
        with self.sent.office.service.store.transaction() as db:
            answers.reject(db, "general", self.number, "ada")

    def close(self, said: WriteOff | None) -> None:
        with self.sent.office.service.store.transaction() as db:
            pair = releases.to_decide(db, self.sent.rows()[0].key, ["general"])
            if said:
                write_offs.write_off(db, pair, said, "ada", "biller")
            else:
                write_offs.reopen(db, pair, "ada", "biller")

    def front_end(self, row: str) -> None:
        dated = row.replace("20261205", self.some_day())
        self.sent.reads(status([f"TRN*2*{self.number}", dated], usage="P"))

    def payer(self, name: str) -> None:
        clp, sign = _PAID.get(name, ("4", ""))
        amounts, why = (
            ("50*0", ["CAS*CO*96*50"]) if name == "denied" else (f"{sign}50*{sign}50", [])
        )
        services = [f"SVC*HC:J1756*{amounts}", *why, f"SVC*HC:J1756:JW*{amounts}", *why]
        paid = "0" if why else f"{sign}100"
        claim = [f"CLP*{self.number}*{clp}*{sign}100*{paid}**MB*ICN1", *services]
        content = remittance(claim, usage="P", payment=f"CHK{self.day}", on=self.some_day())
        self.sent.reads(content)

    def some_day(self) -> str:
        """The next, or one some days before."""
        self.day += 1
        return f"202701{max(1, self.day - self.chance.choice([0, 0, 4])):02}"

    def check(self) -> None:
        rows = self.sent.rows()
        with self.sent.office.service.store.transaction() as db:
            for row in rows:
                standing = claims.of_lines(db, row.patient_id, [row.line_id])
                assert row.sent_number or not standing  # what a payer has is not ready
                assert row.refused or not row.closed  # what is paid is not written off
            for number, state in db.execute("select id, state from claims").fetchall():
                assert claims.settle(db, number)[0].now == state
        assert len({row.released_at is None for row in rows}) == 1


@pytest.mark.parametrize("seed", range(6))
def test_what_always_holds(office: Opened, seed: int) -> None:
    life = Life(Sent(office(PAIR, *PLAN, receivers=[HOUSE])), seed)
    for _ in range(25):
        with suppress(FerroclaimError):  # what can't be done now is refused
            life.chance.choice(life.acts)()
        life.check()
