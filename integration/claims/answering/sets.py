"""The transaction sets of a claim file of ours, as it left: which claims stand where.

Held by tests/contract/test_answers.py.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from mappings.writing.checks.fault import element
from mappings.writing.x12.reading import segments

_SUBSCRIBER = "22"  # HL03


@dataclass(frozen=True)
class PlacedClaim:
    """`set`: ST02; `first` and `last`: its segments, ST being 1, those of its patient among them;
    `biller`: the billing provider's NPI."""

    number: str
    set: str
    biller: str
    first: int
    last: int


def written_on(content: bytes) -> str:
    """The day of the interchange (ISA09)."""
    _, header = next(segments(io.BytesIO(content)))
    return element(header, 9)


def claims_of(content: bytes) -> Iterator[PlacedClaim]:
    set_, biller, number, first, place, patient = "", "", "", 0, 0, 0
    for _, segment in segments(io.BytesIO(content)):
        place += 1
        if segment[0] == "ST":
            set_, place = element(segment, 2), 1
        if number and segment[0] in ("CLM", "HL", "SE"):
            yield PlacedClaim(number, set_, biller, first, place - 1)
            number = ""
        if segment[0] == "HL" and element(segment, 3) == _SUBSCRIBER:
            patient = place
        if segment[0] == "CLM":
            number, first, patient = element(segment, 1), patient or place, 0
        elif segment[:2] == ("NM1", "85"):
            biller = element(segment, 9)
