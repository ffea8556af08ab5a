"""The laboratory values that a policy can name, and what each stands for: once, for conditions,
requirements and words.

Held by tests/unit/test_laboratory.py.
"""

from typing import Literal

from msgspec import Struct

from mappings import codes

LabName = Literal["ferritin", "tsat", "hb"]


class LabValue(Struct, frozen=True):
    """`analyte`: of the laboratory table. `unit`: a condition that compares the value says so, and
    can't mean another."""

    analyte: str
    requirement: str
    unit: str

    @property
    def says(self) -> str:
        return codes.labs().by_name[self.analyte].called


LAB_VALUES: dict[str, LabValue] = {
    "ferritin": LabValue("ferritin", "ferritin", "ng/mL"),
    "tsat": LabValue("tsat", "transferrin-saturation", "%"),
    "hb": LabValue("hemoglobin", "hemoglobin", "g/dL"),
}
