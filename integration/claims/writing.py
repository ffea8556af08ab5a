"""From the lines that may leave to files: prepared, checked, written, remembered.

Held by tests/contract/test_claims_sent.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

from msgspec.structs import replace

from integration.claims.output import FilePart, Output
from integration.claims.sent import Before, Corrections, Earlier, Original
from mappings import codes
from mappings.assessment import ClaimLine
from mappings.record import PatientRecord
from mappings.site import Receiver, Site
from mappings.values.identity import stable_id
from mappings.writing.checks.medicare import ORIGINALS_ONLY, takes_originals_only
from mappings.writing.fhir_resending import sent_claims
from mappings.writing.form837.resending import Voiding, voided
from mappings.writing.preparing.prepare import Basis, ChargeLines, LeftOut, Prepared, prepare
from mappings.writing.preparing.prepared import Claim, claim_number
from mappings.writing.x12.reading import NotX12, segments


@dataclass(frozen=True)
class Leaving:
    """What of one patient may leave, what was released and may not, and what left before."""

    patient: str
    lines: Sequence[ClaimLine]
    record: PatientRecord | None
    refused: Sequence[LeftOut] = ()
    sent: Sequence[ClaimLine] = ()


@dataclass
class Report:
    """What became of a run. `about`: by our number, the earlier claim that one replaces or
    voids."""

    parts: list[FilePart] = field(default_factory=list)
    refused: list[LeftOut] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    about: dict[str, Earlier] = field(default_factory=dict)
    asked: bool = False

    @property
    def claims(self) -> int:
        return sum(len(part.claims) for part in self.parts)

    @property
    def total(self) -> Decimal:
        return sum((part.claims.total for part in self.parts), Decimal(0))

    def ask(self, missed: Sequence[str]) -> None:
        """Takes in what was named and is not there, a sentence each."""
        self.asked = self.asked or bool(missed)
        self.problems += missed

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was written."""
        nothing = self.asked and not self.claims
        return not (self.refused or self.problems or nothing)


def write(
    leaving: Iterable[Leaving],
    basis: Basis,
    output: Output,
    before: Before,
    corrections: Corrections,
) -> Report:
    """Everything into the output's files, which are closed and not yet placed."""
    writer = _Writer(basis, output, before, corrections)
    with codes.using(basis.site.codes):
        for one in leaving:
            writer.patient(one)
        for number, original in corrections.void.items():
            writer.void(number, original)
    return writer.finished()


@dataclass(frozen=True)
class _Writer:
    basis: Basis
    output: Output
    before: Before
    corrections: Corrections
    report: Report = field(default_factory=Report)

    def patient(self, one: Leaving) -> None:
        self.report.asked = self.report.asked or bool(one.lines or one.refused)
        self.report.refused += one.refused
        claims: list[Claim] = []
        for found in prepare(one.patient, one.lines, one.record, self.basis, one.sent):
            settled = found if isinstance(found, LeftOut) else self._settled(found)
            if isinstance(settled, LeftOut):
                self.report.refused.append(settled)
            elif isinstance(settled, Claim):
                claims.append(settled)
            elif one.record is not None:
                self.output.add_charges(settled, one.record)
        if claims and one.record is not None:
            for claim, faults in self.output.add(claims, one.record):
                refusal = LeftOut(one.patient, claim.draft.lines, tuple(faults))
                self.report.refused.append(refusal)

    def _settled(self, found: Claim | ChargeLines) -> Prepared:
        """A first claim, or the replacement of the one that had its lines. Never a second first one
        that counts, by us or by the facility; tests may be repeated."""
        earlier, is_claim = self.before.of(found.draft), isinstance(found, Claim)
        # What goes to the facility again takes the place of what went there.
        earlier = [one for one in earlier if is_claim or not one.is_charges]
        named = next((one for one in earlier if one.number in self.corrections.replace), None)
        if isinstance(found, Claim) and named is not None and not named.is_charges:
            return self._replacement(found, named)
        counts = not self.output.how.test
        if isinstance(found, Claim):
            counts = counts and found.receiver.production
        standing = next((one for one in earlier if one.production and counts), None)
        if standing is None:
            return found
        return LeftOut(found.draft.patient, found.draft.lines, (_left(standing, found),))

    def _replacement(self, claim: Claim, named: Earlier) -> Claim | LeftOut:
        original = _known(self.corrections.replace[named.number], named)
        self.corrections.done.add(named.number)
        if not original.number:
            return LeftOut(claim.draft.patient, claim.draft.lines, (_unknown(named),))
        about = ("replacement", claim.draft.id, named.number, original.number)
        number, made = claim_number(stable_id(*about)), claim.statement
        if made and original.reason:
            made = replace(made, conditions=(*made.conditions, original.reason))
        self.report.about[number] = named
        return replace(
            claim, number=number, frequency="7", original=original.number, statement=made
        )

    def void(self, number: str, original: Original) -> None:
        """A claim leaves once more, with the lines that it was sent with, in the form it left
        in."""
        self.report.asked = True
        earlier = self.before.named(number)
        if earlier is None:
            why_not = "none of that number left from here and still stands"
        elif not (original := _known(original, earlier)).number:
            why_not = _unknown(earlier)
        else:
            own = claim_number(stable_id("void", number, original.number))
            void = Voiding(number, own, original.number, original.reason)
            self.report.about[void.number] = earlier
            why_not = self._voided(void, earlier)
        if why_not:
            self.report.problems.append(f"Claim {number} is not voided: {why_not}.")

    def _voided(self, void: Voiding, earlier: Earlier) -> str:
        """Adds the void, or says why not."""
        content = self.before.content(earlier.file)
        try:
            if self.output.how.form == "fhir":
                return self._void_in_fhir(content, void)
            return self._void_in_x12(content, void)
        except (NotX12, ValueError):
            return f"it left in another form: see {earlier.file}"

    def _void_in_x12(self, content: bytes, void: Voiding) -> str:
        resent = voided(segments(BytesIO(content)), void)
        if resent is None:
            return "it left in no 837"
        receiver = _receiver(self.basis.site, resent.receiver_id)
        if receiver is None:
            return (
                f"it goes where the claim went, to {resent.receiver_id}, and the site's receivers"
                " have no such id"
            )
        return "; ".join(self.output.add_again(resent, receiver))

    def _void_in_fhir(self, content: bytes, void: Voiding) -> str:
        sent = next((one for one in sent_claims(content) if one.number == void.about), None)
        if sent is None:
            return "it left in no FHIR Claim"
        if sent.goes_to_part_b(self.basis.site):
            return ORIGINALS_ONLY
        self.output.cancel(sent, void)
        return ""

    def finished(self) -> Report:
        """The report, with every file closed."""
        missed = set(self.corrections.replace) - self.corrections.done
        self.report.problems += [
            f"Claim {number} is not replaced: no released line belongs to it."
            for number in sorted(missed)
        ]
        self.report.parts = self.output.finish()
        return self.report


def _known(original: Original, earlier: Earlier) -> Original:
    """With the payer's number as its answer has it, where none was given."""
    number = original.number or earlier.payer_number
    return Original(number, original.reason)


def _unknown(earlier: Earlier) -> str:
    return (
        f"no answer that was read has the payer's number of claim {earlier.number}: write"
        f" {earlier.number}=ICN"
    )


def _left(earlier: Earlier, found: Claim | ChargeLines) -> str:
    number = earlier.number
    if earlier.is_charges:
        return (
            f"its lines left for the facility's own claim ({earlier.file}): have them taken off"
            f" there, and say so with `ferroclaim claims rejected {number}`"
        )
    if isinstance(found, ChargeLines):
        return (
            f"its lines left in claim {number} ({earlier.file}), and the facility would bill them"
            f" again: void that with --void {number}=ICN, or, where its payer takes no void, have"
            f" it taken back and say so with `ferroclaim claims rejected {number}`"
        )
    if takes_originals_only(found.who.first.filing, "7"):
        return (
            f"its lines left in claim {number} ({earlier.file}). {ORIGINALS_ONLY}"
            f" (`ferroclaim claims rejected {number}`)"
        )
    icn = earlier.payer_number
    named, told = (
        (f"{number}={icn}", "")
        if icn
        else (f"{number}=ICN", ", ICN being the payer's number of it")
    )
    return (
        f"its lines left in claim {number} ({earlier.file}): replace that with --replace"
        f" {named}, or void it with --void {named}{told}"
    )


def _receiver(site: Site, written: str) -> Receiver | None:
    found = (receiver for receiver in site.receivers if written in (receiver.id, receiver.test_id))
    return next(found, None)
