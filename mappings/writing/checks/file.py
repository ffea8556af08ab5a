"""A file of 837s from its first segment to its last, a claim at a time.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import BinaryIO

from msgspec.structs import replace

from mappings.site import ClaimKind
from mappings.writing.checks import people
from mappings.writing.checks.about import About
from mappings.writing.checks.across import Across
from mappings.writing.checks.claims import claim_faults
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import Fault, Findings, Found, element, first_of
from mappings.writing.checks.frame.envelopes import (
    ENVELOPE,
    INSTITUTIONAL,
    PROFESSIONAL,
    Envelopes,
    uncarried,
)
from mappings.writing.checks.frame.levels import Levels
from mappings.writing.checks.frame.structure import Structure, alone
from mappings.writing.x12.reading import NotX12, Numbered, segments
from mappings.writing.x12.segments import Segment

_LEVELS = frozenset({"HL", "CLM"})


def check(stream: BinaryIO) -> Iterator[Fault]:
    """Every fault of a file, in its order. A file that is none of claims is one fault."""
    try:
        yield from faults_of(segments(stream))
    except NotX12 as problem:
        yield Fault(str(problem))


def faults_of(segments: Iterable[Numbered]) -> Iterator[Fault]:
    """Every fault of these segments, whose envelopes may be several."""
    envelopes, walk = Envelopes(), Walk()
    for number, segment in segments:
        letters = uncarried(segment)
        if letters:
            yield Fault(letters, walk.claim, None, segment[0], number)
        if not envelopes.in_set:
            yield from envelopes.outside(number, segment)
        if segment[0] in ENVELOPE:
            yield from walk.ended()
            yield from envelopes.of(number, segment)
            yield from walk.envelope(segment, number)
        else:
            yield from walk.step(number, segment)
    if envelopes.open:
        yield envelopes.cut()
    elif not walk.claims and not walk.has_foreign:
        yield Fault("the file has no claim")


class Walk:
    """Where in the file we are: what stands above the next claim, and the segments since the last
    HL or CLM."""

    def __init__(self) -> None:
        self.claims = 0
        self.has_foreign = False
        self._foreign = False
        self._guide = ""
        self._about = About(institutional=False)
        self._written_on: date | None = None
        self._kept: list[Segment] = []
        self._first = 0
        self._levels, self._across = Levels(), Across()
        self._policy: tuple[str, ...] = ()
        self._patient: tuple[str, ...] = ()
        self._own_subscriber = True
        self._counts_levels = True
        self._structure: Structure | None = None
        self._misplaced: list[Fault] = []

    def begin(self, kind: ClaimKind, written_on: date, biller: Segment, *, is_draft: bool) -> None:
        """Below the billing provider of a file that is being written: HL numbers are its own."""
        self._written_on, self._counts_levels = written_on, False
        self._about = About(
            institutional=kind == "institutional",
            written_on=written_on,
            biller_is_person=element(biller, 2) == "1",
            biller_npi=element(biller, 9),
            is_draft=is_draft,
        )

    @property
    def claim(self) -> str | None:
        return element(self._kept[0], 1) if self._kept and self._kept[0][0] == "CLM" else None

    def envelope(self, segment: Segment, number: int) -> Iterator[Fault]:
        if segment[0] == "GS":
            self._guide, self._foreign = element(segment, 8), element(segment, 1) != "HC"
        if segment[0] == "ST":
            yield from self._transaction(segment, number)
        if segment[0] == "SE" and not self._foreign:
            yield from self._levels.ended()
        if segment[0] == "SE" and self._structure:
            yield from self._structure.ended()
            self._structure = None
        self.has_foreign = self.has_foreign or self._foreign

    def _transaction(self, segment: Segment, number: int) -> Iterator[Fault]:
        self._levels, self._written_on = Levels(), None
        # What GS08 names holds: a set of no guide that we know is looked at by it.
        known = PROFESSIONAL | INSTITUTIONAL
        guide = element(segment, 3) if element(segment, 3) in known else self._guide
        self._foreign = self._foreign or guide not in known
        self._about = About(institutional=guide in INSTITUTIONAL)
        if not self._foreign:
            kind = "institutional" if guide in INSTITUTIONAL else "professional"
            self._structure = Structure(kind, segment, number)
        if element(segment, 3) != self._guide and not self._foreign:
            yield Fault(
                f"ST03 {element(segment, 3) or '(none)'} is not GS08 {self._guide}",
                None,
                None,
                "ST",
                number,
            )

    def step(self, number: int, segment: Segment) -> Iterator[Fault]:
        if segment[0] == "BHT":
            self._written_on = day(element(segment, 4))
            self._about = replace(self._about, written_on=self._written_on)
        if segment[0] in _LEVELS:
            yield from self.ended()
            self._first = number
            if segment[0] == "CLM":
                self._levels.claim()
            elif self._counts_levels and not self._foreign:
                yield from self._levels.of(number, segment)
        elif not self._kept:
            self._first = number
        self._kept.append(segment)
        if self._structure:
            self._misplaced += self._structure.of(number, segment)
        elif not self._counts_levels:
            self._misplaced += alone(number, segment)

    def ended(self) -> Iterator[Fault]:
        """Looks at what was kept since the last HL or CLM. What its meaning tells of a segment, its
        form tells no more."""
        told = list(self._looked_at())
        places, misplaced = {fault.number for fault in told}, self._misplaced
        self._misplaced = []
        yield from told
        yield from (fault for fault in misplaced if fault.number not in places)

    def _looked_at(self) -> Iterator[Fault]:
        segments, self._kept = self._kept, []
        if not segments or self._foreign:
            return
        if segments[0][0] == "CLM":
            self.claims += 1
            name = element(segments[0], 1)
            yield from self._placed(self._of_claim(segments), segments, name)
        elif segments[0][0] == "HL":
            yield from self._placed(self._of_level(segments), segments, None)
        else:
            yield from self._placed(people.names(segments), segments, None)

    def _placed(
        self, found: Findings, segments: Sequence[Segment], claim: str | None
    ) -> Iterator[Fault]:
        first = self._first
        for one in found:
            yield Fault(one.says, claim, one.line, segments[one.at][0], first + one.at)

    def _of_level(self, segments: Sequence[Segment]) -> Findings:
        level = element(segments[0], 3)
        yield from people.names(segments)
        if level == "20":
            name = first_of(segments, "NM1", "85")
            person, npi = element(name, 2) == "1", element(name, 9)
            self._about = replace(self._about, biller_is_person=person, biller_npi=npi, born=None)
            yield from people.biller(segments)
        elif level == "22":
            yield from self._of_subscriber(segments)
        elif level == "23":
            born, died = people.born(segments), people.died(segments)
            self._about = replace(self._about, born=born, died=died)
            self._patient = first_of(segments, "NM1", "QC")
            yield from people.dependent(segments, self._written_on)
            if self._own_subscriber:
                yield Found("SBR02 says that the subscriber is the patient, and here is another", 0)
        else:
            yield Found(f"HL03 is {level}, no level of a claim", 0)

    def _of_subscriber(self, segments: Sequence[Segment]) -> Findings:
        sbr = first_of(segments, "SBR")
        self._policy = (*first_of(segments, "NM1", "IL"), *first_of(segments, "NM1", "PR"))
        self._patient = ()
        self._own_subscriber = element(sbr, 2) == "18"
        self._about = replace(
            self._about,
            born=people.born(segments),
            died=people.died(segments),
            payer_place=element(sbr, 1) or "P",
            filing=element(sbr, 9),
        )
        yield from people.subscriber(segments, self._written_on)
        if self._own_subscriber == (element(segments[0], 4) == "1"):
            says = "SBR02 and the patient's own loop do not agree on who the subscriber is"
            yield Found(says, 0)

    def _of_claim(self, segments: Sequence[Segment]) -> Findings:
        institutional, biller = self._about.institutional, self._about.biller_npi
        whose = (*self._policy, *self._patient, biller)
        yield from self._across.of(segments, whose, institutional=institutional)
        yield from claim_faults(segments, self._about)


def loop_faults(
    segments: Sequence[Segment],
    kind: ClaimKind,
    written_on: date,
    biller: Segment,
    *,
    is_draft: bool,
) -> list[str]:
    """What is wrong with the loops of a subscriber and their claims, before they stand in a file.
    `biller`: its NM1*85."""
    walk = Walk()
    walk.begin(kind, written_on, biller, is_draft=is_draft)
    found: list[Fault] = []
    for number, segment in enumerate(segments, 1):
        found += walk.step(number, segment)
    found += walk.ended()
    return [fault.brief for fault in found]
