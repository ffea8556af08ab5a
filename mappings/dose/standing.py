"""R1: what a record says against its own dose, beside the amount."""

from mappings import codes
from mappings.record import Administration
from mappings.values.stated import Unread


def against(administration: Administration) -> str | None:
    """Why the dose can't be as recorded; None where nothing speaks against it."""
    if administration.not_given and administration.status == "completed":
        return (
            "The administration is completed, and says that the dose was not given:"
            f" {administration.not_given}."
        )
    if administration.as_ordered:
        return (
            "The order was cancelled, by what this EHR means with the status stopped; the dose is"
            " the ordered one."
        )
    route, family = administration.route, codes.families().get(administration.drug.family or "")
    if isinstance(route, str) and family and route not in family.routes:
        return f"The route is recorded as {route}, by which {family.name} is not given."
    return None


def notes(administration: Administration) -> tuple[str, ...]:
    """A route or method that is not understood decides nothing."""
    rows = (administration.route, administration.method)
    return tuple(f"not understood, and not used: {row}" for row in rows if isinstance(row, Unread))
