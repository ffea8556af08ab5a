"""R8, R11: how a line is paid, what it is worth, and whether JW and JZ are asked on it."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from mappings import codes
from mappings.charge.charge import Charge
from mappings.codes.tables import OppsStatus

# Office, home and independent clinic: no payer packages a drug there.
_SEPARATE_WITH_ANY_PAYER = frozenset({"11", "12", "49"})

Payment = Literal["separate", "packaged", "bundled"]


def payment(charge: Charge) -> Payment | None:
    """None while the line can't be priced: setting or status of the code unknown."""
    policy = charge.policy
    if policy is None or charge.code is None or charge.day is None:
        return None
    if not charge.known_payer:
        return "separate" if charge.setting.code in _SEPARATE_WITH_ANY_PAYER else None
    if policy.bundled_with_dialysis and charge.kidney.in_facility:
        return "bundled"
    if policy.opps_packaging:
        if charge.setting.code is None:
            return None
        if asks_opps(charge):
            return _by_opps(charge.code.code, charge.day)
    return "separate"


def asks_opps(charge: Charge) -> bool:
    """Whether the OPPS status of the drug decides: in a hospital's outpatient department, and in an
    ambulatory surgery centre."""
    policy = charge.policy
    here = charge.setting.bill_type == "13X" or charge.setting.code == "24"
    return policy is not None and policy.opps_packaging and charge.known_payer and here


def _by_opps(code: str, day: date) -> Payment | None:
    opps, row = codes.payment().opps, opps_status(code, day)
    if row is None:
        return None
    return (
        "packaged"
        if row.status in opps.packaged
        else "separate"
        if row.status in opps.separate
        else None
    )


def opps_status(code: str, day: date) -> OppsStatus | None:
    """The status of the latest release up to the day; the last one known carries forward."""
    known = [row for row in codes.payment().opps.status.get(code, ()) if row.start <= day]
    return known[-1] if known else None


def opps_carried_forward(day: date) -> bool:
    """Whether the status is that of an older release than the day's (then it is not verified)."""
    last = codes.payment().opps.last_release
    return (day.year, (day.month - 1) // 3) > (last.year, (last.month - 1) // 3)


def discard_modifiers(charge: Charge, paid: str | None) -> frozenset[str]:
    """Which of JW and JZ are asked: by date, by payer, not for packaged drugs, on the 72X from its
    own date (R5)."""
    policy, day = charge.policy, charge.day
    if policy is None or day is None or not policy.modifiers.discard or paid == "packaged":
        return frozenset()
    table = codes.payment()
    if charge.setting.bill_type == "72X" and not table.esrd_discard_modifiers.holds(day):
        return frozenset()
    return frozenset(row.modifier for row in table.discard_modifiers if row.holds(day))


def value(
    code: str, units: int, day: date | None, paid: str | None
) -> tuple[str | None, str | None]:
    """Dollars, to cents, by the latest known quarter up to the day, and that quarter; packaged and
    bundled lines put none at risk."""
    if paid in ("packaged", "bundled"):
        return "0.00", None
    rows = [
        row
        for row in codes.payment().limits
        if day is not None and row.start <= day and code in row.limit
    ]
    if not rows or paid is None:
        return None, None
    newest = max(rows, key=lambda row: row.start)
    return (
        str((units * newest.limit[code]).quantize(Decimal("0.01"), ROUND_HALF_UP)),
        newest.quarter,
    )
