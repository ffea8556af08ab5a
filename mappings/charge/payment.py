"""R8, R11: how a line is paid, what it is worth, and whether JW and JZ are asked on it.

Held by tests/scenarios/payment.yaml.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from mappings import codes
from mappings.assessment import Payment
from mappings.charge.charge import Charge
from mappings.charge.paid import DISCARD_RULE, DiscardModifiers, Paid, PaymentListing, Worth
from mappings.codes.quarters import quarter_of
from mappings.codes.tables import Dated, Modifier, Opps, PaymentLimits

# Office, home and independent clinic: no payer packages a drug there.
_SEPARATE_WITH_ANY_PAYER = frozenset({"11", "12", "49"})
_SURGERY_CENTER = "24"


def payment(charge: Charge) -> Paid | None:
    """None while the line can't be priced: setting or status of the code unknown."""
    listed = _listing(charge)
    way = _way(charge, listed)
    by = charge.policy.authority if charge.policy and charge.known_payer else Dated()
    return Paid(way=way, listed=listed, by=by) if way else None


def _way(charge: Charge, listed: PaymentListing | None) -> Payment | None:
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
        if asks_status(charge):
            return listed.paid if listed else None
    return "separate"


def asks_status(charge: Charge) -> bool:
    """Whether the status of the drug decides: in a hospital's outpatient department, and in an
    ambulatory surgery center."""
    policy = charge.policy
    here = charge.setting.bill_type == "13X" or charge.setting.code == _SURGERY_CENTER
    return policy is not None and policy.opps_packaging and charge.known_payer and here


def _listing(charge: Charge) -> PaymentListing | None:
    """That of the latest release up to the day; in a surgery center the OPPS status where the
    center's own indicator is not known."""
    code, day = charge.code, charge.day
    if code is None or day is None or not asks_status(charge):
        return None
    table = codes.payment()
    center = (
        _listed(table.asc, "ASC indicator", code.code, day)
        if charge.setting.code == _SURGERY_CENTER
        else None
    )
    return center or _listed(table.opps, "OPPS status", code.code, day)


def _listed(table: Opps, name: str, code: str, day: date) -> PaymentListing | None:
    known = [row for row in table.status.get(code, ()) if row.start <= day]
    if not known:
        return None
    row, carried = known[-1], _carried_forward(table, day)
    return PaymentListing(
        system=name,
        status=row.status,
        paid=_paid(table, row.status),
        source=row.source or table.source,
        verified=table.verified and row.verified and not carried,
        start=row.start,
        carried_forward=carried,
    )


def _paid(table: Opps, status: str) -> Literal["separate", "packaged"] | None:
    if status in table.packaged:
        return "packaged"
    return "separate" if status in table.separate else None


def _carried_forward(table: Opps, day: date) -> bool:
    newest = max(
        release
        for release in (table.last_release, *table.later_releases)
        if release <= day or release == table.last_release
    )
    return quarter_of(day) > quarter_of(newest)


def discard_modifiers(charge: Charge, paid: Paid | None, *, billable: bool) -> DiscardModifiers:
    """Which of JW and JZ are asked: by date, by payer, not for packaged drugs, on the 72X from its
    own date (R5)."""
    if paid and paid.way == "packaged":
        source = paid.listed.source if paid.listed else None
        return DiscardModifiers((), "JW and JZ are not asked for a packaged drug", source)
    rows = _discard_rows(charge) if billable else ()
    if rows or not billable or not charge.known_payer:
        return DiscardModifiers(rows)
    return DiscardModifiers((), "JW and JZ are not asked on this date by this payer", DISCARD_RULE)


def _discard_rows(charge: Charge) -> tuple[Modifier, ...]:
    policy, day = charge.policy, charge.day
    if policy is None or day is None or not policy.modifiers.discard:
        return ()
    table = codes.payment()
    if charge.setting.code in table.no_discard_modifiers.places:
        return ()
    if charge.setting.bill_type == "72X" and not table.esrd_discard_modifiers.holds(day):
        return ()
    return tuple([row for row in table.discard_modifiers if row.holds(day)])


def worth(code: str, units: int, day: date | None, paid: Paid | None) -> Worth:
    """Dollars, to cents, by the latest known quarter up to the day; packaged and bundled lines put
    none at risk."""
    if paid is None:
        return Worth()
    if paid.way != "separate":
        return Worth("0.00")
    newest = _limits(code, day) if day else None
    if newest is None:
        return Worth()
    dollars = (units * newest.limit[code]).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Worth(str(dollars), newest)


@codes.remembered
def _limits(code: str, day: date) -> PaymentLimits | None:
    """The latest known quarter up to the day that has a limit of the code."""
    rows = [row for row in codes.payment().limits if row.start <= day and code in row.limit]
    return max(rows, key=lambda row: row.start, default=None)
