"""The laboratory values that a policy can name, and what each stands for: once, for conditions,
requirements and words.

Held by tests/unit/test_laboratory.py.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings import codes

LabName = Literal["ferritin", "tsat", "hb"]


class LabValue(Struct, frozen=True):
    """`analyte`: of the laboratory table. `unit`: a condition that compares the value says so, and
    can't mean another. `least`, `most`: a limit beyond is none of this unit."""

    analyte: str
    requirement: str
    unit: str
    least: int
    most: int

    def refusal(self, limit: Decimal) -> str | None:
        """Why a limit is none of this unit: hemoglobin below 120 is meant in g/L."""
        if self.least <= limit <= self.most:
            return None
        likely = f"between {self.least} and {self.most}"
        return f"is compared in {self.unit}, and {limit} is not {likely}"

    @property
    def says(self) -> str:
        return codes.labs().by_name[self.analyte].called


LAB_VALUES: dict[str, LabValue] = {
    "ferritin": LabValue("ferritin", "ferritin", "ng/mL", 1, 10_000),
    "tsat": LabValue("tsat", "transferrin-saturation", "%", 1, 100),
    "hb": LabValue("hemoglobin", "hemoglobin", "g/dL", 3, 25),
}
