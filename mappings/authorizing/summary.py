"""What a request says in a few words.

Held by tests/unit/test_authorization_requests.py.
"""

from mappings.authorizing.course import Course, runs
from mappings.authorizing.request import AuthorizationRequest
from mappings.record import Amount
from mappings.values.numbers import plain
from mappings.values.us_dates import us_date

MOST_LETTERS = 264  # of a message in an X12 278 (MSG01), from memory
_TOLD = ("oral iron", "earlier IV iron", "ESA")


def plan(request: AuthorizationRequest) -> str:
    """`iron sucrose, 5 doses of 200 mg from Nov 5, 2026 to Dec 3, 2026: J1756, 1000 units`."""
    units = f", {request.course.units} units" if request.course.units is not None else ""
    return f"{request.drug}, {doses(request)}: {request.code}{units}"


def doses(request: AuthorizationRequest) -> str:
    """`5 doses of 200 mg from Nov 5, 2026 to Dec 3, 2026`."""
    return f"{_counted(request.course)}{_when(request.course)}"


def _counted(course: Course) -> str:
    if course.wanted is None:
        return f"doses{_of(course.next.dose) if course.next and course.next.units else ''}"
    parts = [
        f"{many} {'dose' if many == 1 else 'doses'}{_of(amount)}"
        for many, amount in runs(course.wanted)
    ]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:]))) or "no dose"


def _of(amount: Amount) -> str:
    if amount.problem or amount.value is None or amount.value <= 0:
        return ""
    return f" of {plain(amount.value)} {amount.unit}"


def _when(course: Course) -> str:
    if course.start is None:
        return ""
    if course.end == course.start:
        return f" on {us_date(course.start)}"
    until = f" to {us_date(course.end)}" if course.end else ""
    return f" from {us_date(course.start)}{until}"


def message(request: AuthorizationRequest) -> str:
    """What no code of the request says, as far as a message holds it."""
    said = [f"{fact.about}: {fact.says}." for fact in request.facts if fact.about in _TOLD]
    found = f"{plan(request)}."
    for sentence in said:
        if len(found) + len(sentence) < MOST_LETTERS:
            found += f" {sentence}"
    return found[:MOST_LETTERS]
