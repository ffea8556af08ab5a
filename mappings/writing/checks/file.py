"""A file of 837s from its first segment to its last, a claim at a time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import BinaryIO

from msgspec.structs import replace

from mappings.writing.checks import people
from mappings.writing.checks.claims import About, claim_faults
from mappings.writing.checks.dates import day
from mappings.writing.checks.envelopes import (
    ENVELOPE,
    INSTITUTIONAL,
    PROFESSIONAL,
    Envelopes,
    uncarried,
)
from mappings.writing.checks.fault import Fault, Findings, Found, element
from mappings.writing.preparing.drafts import Kind
from mappings.writing.x12.reading import NotX12, Numbered, segments
from mappings.writing.x12.segments import COMPONENT, Segment

_LEVELS = frozenset({"HL", "CLM"})


def check(stream: BinaryIO) -> Iterator[Fault]:
    """Every fault of a file, in its order. A file that is none of claims is one fault."""
    try:
        yield from faults_of(segments(stream))
    except NotX12 as problem:
        yield Fault(str(problem))


def faults_of(rows: Iterable[Numbered]) -> Iterator[Fault]:
    """Every fault of these segments, whose envelopes may be several."""
    envelopes, walk = Envelopes(), Walk()
    for number, row in rows:
        letters = uncarried(row)
        if letters:
            yield Fault(letters, walk.claim, None, row[0], number)
        if row[0] in ENVELOPE:
            yield from walk.ended()
            yield from envelopes.of(number, row)
            yield from walk.envelope(row, number)
        else:
            yield from walk.step(number, row)
    yield from walk.ended()
    yield from envelopes.at_the_end()
    if not walk.claims and not walk.foreign:
        yield Fault("the file has no claim")


class Walk:
    """Where in the file we are: what stands above the next claim, and the segments since the last
    HL or CLM."""

    def __init__(self) -> None:
        self.claims = 0
        self.foreign = False
        self._guide = ""
        self._about = About(institutional=False)
        self._written_on: date | None = None
        self._kept: list[Segment] = []
        self._first = 0
        self._levels = 0
        self._children: dict[str, tuple[str, int, bool]] = {}
        self._numbers: dict[str, int] = {}
        self._months: dict[tuple[str, str], str] = {}
        self._member = ""
        self._own_subscriber = True
        self._counts_levels = True

    def begin(self, kind: Kind, written_on: date, *, person: bool, is_draft: bool) -> None:
        """Below the billing provider of a file that is being written: HL numbers are its own."""
        self._written_on, self._counts_levels = written_on, False
        self._about = About(
            institutional=kind == "institutional",
            written_on=written_on,
            biller_is_person=person,
            is_draft=is_draft,
        )

    @property
    def claim(self) -> str | None:
        return element(self._kept[0], 1) if self._kept and self._kept[0][0] == "CLM" else None

    def envelope(self, row: Segment, number: int) -> Iterator[Fault]:
        if row[0] == "GS":
            self._guide = element(row, 8)
            self.foreign = self.foreign or element(row, 1) != "HC"
        if row[0] == "ST":
            yield from self._transaction(row, number)
        if row[0] == "SE":
            yield from self._childless()

    def _transaction(self, row: Segment, number: int) -> Iterator[Fault]:
        self._levels, self._children, self._written_on = 0, {}, None
        guide = element(row, 3) or self._guide
        self.foreign = self.foreign or guide not in PROFESSIONAL | INSTITUTIONAL
        self._about = About(institutional=guide in INSTITUTIONAL)
        if element(row, 3) != self._guide:
            yield Fault(
                f"ST03 {element(row, 3)} is not GS08 {self._guide}", None, None, "ST", number
            )

    def step(self, number: int, row: Segment) -> Iterator[Fault]:
        if row[0] == "BHT":
            self._written_on = day(element(row, 4))
            self._about = replace(self._about, written_on=self._written_on)
            if self._written_on is None:
                yield Fault("BHT04 is not a date", None, None, "BHT", number)
        if row[0] in _LEVELS:
            yield from self.ended()
            self._first = number
            if row[0] == "HL" and self._counts_levels:
                yield from self._level(number, row)
        elif not self._kept:
            self._first = number
        self._kept.append(row)

    def ended(self) -> Iterator[Fault]:
        """Looks at what was kept since the last HL or CLM."""
        rows, self._kept = self._kept, []
        if not rows or self.foreign:
            return
        if rows[0][0] == "CLM":
            self.claims += 1
            name = element(rows[0], 1)
            yield from self._placed(self._of_claim(rows), rows, name)
        elif rows[0][0] == "HL":
            yield from self._placed(self._of_level(rows), rows, None)
        else:
            yield from self._placed(people.names(rows), rows, None)

    def _placed(
        self, found: Findings, rows: Sequence[Segment], claim: str | None
    ) -> Iterator[Fault]:
        first = self._first
        for one in found:
            yield Fault(one.says, claim, one.line, rows[one.at][0], first + one.at)

    def _of_level(self, rows: Sequence[Segment]) -> Findings:
        level = element(rows[0], 3)
        yield from people.names(rows)
        if level == "20":
            person = any(row[:3] == ("NM1", "85", "1") for row in rows)
            self._about = replace(self._about, biller_is_person=person, born=None)
            yield from people.biller(rows)
        elif level == "22":
            yield from self._of_subscriber(rows)
        elif level == "23":
            self._about = replace(self._about, born=people.born(rows))
            yield from people.dependent(rows, self._written_on)
            if self._own_subscriber:
                yield Found("SBR02 says that the subscriber is the patient, and here is another", 0)
        else:
            yield Found(f"HL03 is {level}, no level of a claim", 0)

    def _of_subscriber(self, rows: Sequence[Segment]) -> Findings:
        sbr = next((row for row in rows if row[0] == "SBR"), ("SBR",))
        insured = (row for row in rows if row[:2] == ("NM1", "IL"))
        self._member = next((element(row, 9) for row in insured), "")
        self._own_subscriber = element(sbr, 2) == "18"
        self._about = replace(
            self._about,
            born=people.born(rows),
            payer_place=element(sbr, 1) or "P",
            filing=element(sbr, 9),
        )
        yield from people.subscriber(rows, self._written_on)
        if self._own_subscriber == (element(rows[0], 4) == "1"):
            says = "SBR02 and the patient's own loop do not agree on who the subscriber is"
            yield Found(says, 0)

    def _of_claim(self, rows: Sequence[Segment]) -> Findings:
        number = element(rows[0], 1)
        if number in self._numbers:
            yield Found(f"CLM01 {number} is on another claim as well", 0)
        self._numbers.setdefault(number, self._first)
        yield from claim_faults(rows, self._about)
        place, *_ = element(rows[0], 5).split(COMPONENT)
        if self._about.institutional and place == "72":
            yield from self._one_a_month(rows, number)

    def _one_a_month(self, rows: Sequence[Segment], number: str) -> Findings:
        period = next((element(row, 3)[:6] for row in rows if row[:2] == ("DTP", "434")), "")
        other = self._months.setdefault((self._member, period), number)
        if other != number:
            yield Found(f"a second dialysis claim of the month, beside claim {other}", 0)

    def _level(self, number: int, row: Segment) -> Iterator[Fault]:
        """HL numbers run from 1 in each transaction; parents come first; HL04 says whether there
        are children."""
        self._levels += 1
        own, parent = element(row, 1), element(row, 2)
        if own != str(self._levels):
            says = f"HL {own} is the {self._levels}. of its transaction"
            yield Fault(says, None, None, "HL", number)
        if parent and parent not in self._children:
            yield Fault(f"HL {own} has no parent {parent}", None, None, "HL", number)
        elif parent:
            said, place, _ = self._children[parent]
            self._children[parent] = (said, place, True)
        self._children[own] = (element(row, 4), number, False)

    def _childless(self) -> Iterator[Fault]:
        for own, (said, number, has) in self._children.items():
            if said != str(int(has)):
                yield Fault(f"HL {own} is wrong about its children", None, None, "HL", number)
        self._children = {}


def loop_faults(
    rows: Sequence[Segment], kind: Kind, written_on: date, *, person: bool, is_draft: bool
) -> list[str]:
    """What is wrong with the loops of a subscriber and their claims, before they stand in a file.
    `person`: the biller is one."""
    walk = Walk()
    walk.begin(kind, written_on, person=person, is_draft=is_draft)
    found: list[Fault] = []
    for number, row in enumerate(rows, 1):
        found += walk.step(number, row)
    found += walk.ended()
    return [fault.brief for fault in found]
