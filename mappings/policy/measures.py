"""Numbers of a patient, no laboratory values, that a condition of a policy can compare.

Held by tests/unit/test_measures.py.
"""

from decimal import Decimal

from msgspec import Struct


class Measure(Struct, frozen=True):
    """`is_`: what it is, for who writes a policy; `says`, `unit`: as people read it. `least`,
    `most`: a limit beyond is none of it. `fix`: what to record where it is not known."""

    is_: str
    says: str
    unit: str
    least: int
    most: int
    fix: str

    def refusal(self, limit: Decimal) -> str | None:
        """Why a limit is none of it."""
        if self.least <= limit <= self.most:
            return None
        return f"is {self.is_}, and {limit} is not between {self.least} and {self.most}"


MEASURES: dict[str, Measure] = {
    "age": Measure(
        "the age on the day, in years", "age", "years", 0, 130, "Record the date of birth."
    ),
    "weeks_pregnant": Measure(
        (
            "the weeks of the pregnancy on the day, by a gestational age or an estimated due date"
            " of the last 280 days, or by Z3A of the visit or these days"
        ),
        "weeks of pregnancy",
        "",
        1,
        45,
        "Record the gestational age, the estimated due date, or the weeks (Z3A) at the visit.",
    ),
    "lvef": Measure(
        "the newest left ventricular ejection fraction of the last 365 days, in %",
        "ejection fraction",
        "%",
        1,
        100,
        "Record the left ventricular ejection fraction with its unit and day.",
    ),
    "nyha": Measure(
        "the newest NYHA class of the last 365 days, 1 to 4",
        "NYHA class",
        "",
        1,
        4,
        "Record the NYHA class as a coded result with its day.",
    ),
}
