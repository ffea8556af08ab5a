"""What whoever sends a request should know beside it.

Held by tests/unit/test_authorization_courses.py.
"""

from collections.abc import Iterator
from datetime import tzinfo

from mappings.authorizing.course import Course
from mappings.authorizing.request import AuthorizationRequest
from mappings.dose.product import package
from mappings.requirements.quoting import PAID_WITH
from mappings.values.numbers import plain
from mappings.values.us_dates import us_date


def notes(request: AuthorizationRequest, zone: tzinfo | None) -> Iterator[str]:
    """Each a sentence or two."""
    course = request.course
    if course.covered and course.doses is not None:
        yield (
            f"The authorization on record covers {course.covered} of the"
            f" {course.covered + course.doses} doses to come; the others are asked for here."
        )
    if request.payment in PAID_WITH:
        yield PAID_WITH[request.payment]
    if course.beside:
        others = "One other order" if course.beside == 1 else f"{course.beside} other orders"
        yield f"{others} of {request.drug}, still open, {_has(course.beside)} own."
    if course.order and any(one.by_weight for one in course.order.terms.instructions):
        amounts = dict.fromkeys(one.dose.says for one in course.each if one.dose.says)
        yield f"The dose is by weight: {', '.join(amounts)}."
    if course.left and course.units is not None:
        yield _vials(course, course.left, course.units)
    until = request.coverage.end if request.coverage else None
    ends, last = until.days(zone)[1] if until else None, course.end or course.start
    if ends and last and ends < last:
        yield f"The coverage ends on {us_date(ends)}, before {us_date(last)}."


def _has(many: int) -> str:
    return "has a request of its" if many == 1 else "have requests of their"


def _vials(course: Course, left: int, units: int) -> str:
    """Payers pay, and count, what is discarded of a vial as well (JW)."""
    drug = course.order.drug if course.order else None
    vial = package(drug.ndcs, drug.family) if drug else None
    total = f"{units + left} units, {left} of them discarded"
    if vial is None:
        total = f"{units + left} units at least, {left} of them discarded"
    which = f"Vials of {plain(vial.mg)} mg, as the order names them," if vial else "Whole vials"
    return f"The units are of the doses alone. {which} come to {total}."
