"""From the lines that may leave to files: prepared, checked, written, remembered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

from msgspec.structs import replace

from integration.claims.output import FilePart, Output
from integration.claims.sent import Before, Corrections, Earlier
from mappings import codes
from mappings.assessment import ClaimLine
from mappings.record import PatientRecord
from mappings.site import Receiver, Site
from mappings.values.identity import stable_id
from mappings.writing.fhir_resending import sent_claims
from mappings.writing.form837.resending import Voiding, voided
from mappings.writing.preparing.prepare import Basis, ChargeLines, LeftOut, prepare
from mappings.writing.preparing.prepared import Claim, claim_number
from mappings.writing.x12.reading import NotX12, segments


@dataclass(frozen=True)
class Leaving:
    """What of one patient may leave, and what was released and may not."""

    patient: str
    lines: Sequence[ClaimLine]
    record: PatientRecord | None
    refused: Sequence[LeftOut] = ()


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
    report = Report()
    with codes.using(basis.site.codes):
        _prepare(leaving, basis, output, before, corrections, report)
    missed = set(corrections.replace) - corrections.done
    report.problems += [
        f"Claim {number} is not replaced: no released line belongs to it."
        for number in sorted(missed)
    ]
    report.parts = output.finish()
    return report


def _prepare(
    leaving: Iterable[Leaving],
    basis: Basis,
    output: Output,
    before: Before,
    corrections: Corrections,
    report: Report,
) -> None:
    for one in leaving:
        report.asked = report.asked or bool(one.lines or one.refused)
        report.refused += one.refused
        _patient(one, basis, output, before, corrections, report)
    for number, original in corrections.void.items():
        report.asked = True
        _void(number, original, basis.site, output, before, report)


def _patient(
    one: Leaving,
    basis: Basis,
    output: Output,
    before: Before,
    corrections: Corrections,
    report: Report,
) -> None:
    claims: list[Claim] = []
    for found in prepare(one.patient, one.lines, one.record, basis):
        if isinstance(found, LeftOut):
            report.refused.append(found)
        elif isinstance(found, ChargeLines):
            if one.record is not None:
                output.add_charges(found, one.record)
        else:
            settled = _settled(found, before, corrections, report, test=output.how.test)
            if isinstance(settled, LeftOut):
                report.refused.append(settled)
            else:
                claims.append(settled)
    if claims and one.record is not None:
        for claim, faults in output.add(claims, one.record):
            report.refused.append(LeftOut(one.patient, claim.draft.lines, tuple(faults)))


def _settled(
    claim: Claim, before: Before, corrections: Corrections, report: Report, *, test: bool
) -> Claim | LeftOut:
    """A first claim, or the replacement of the one that had its lines. Never a second first one
    that counts; tests may be repeated."""
    earlier = before.of(claim)
    named = next((one for one in earlier if one.number in corrections.replace), None)
    counts = claim.receiver.production and not test
    standing = [one for one in earlier if one.production and counts]
    if named is None:
        return (
            LeftOut(claim.draft.patient, claim.draft.lines, (_left(standing[0]),))
            if standing
            else claim
        )
    original = corrections.replace[named.number]
    corrections.done.add(named.number)
    number = claim_number(stable_id("replacement", claim.draft.id, named.number, original))
    report.about[number] = named
    return replace(claim, number=number, frequency="7", original=original)


def _left(earlier: Earlier) -> str:
    number = earlier.number
    return (
        f"its lines left in claim {number} ({earlier.file}): replace that with --replace"
        f" {number}=ICN, or void it with --void {number}=ICN, ICN being the payer's number of it"
    )


def _void(
    number: str, original: str, site: Site, output: Output, before: Before, report: Report
) -> None:
    """A claim leaves once more, with the lines that it was sent with, in the form it left in."""
    earlier = before.named(number)
    if earlier is None:
        says = f"Claim {number} is not voided: none of that number left from here."
        report.problems.append(says)
        return
    again = claim_number(stable_id("void", number, original))
    content = before.content(earlier.file)
    add = _void_in_fhir if output.how.form == "fhir" else _void_in_x12
    try:
        why_not = add(content, Voiding(number, again, original), site, output)
    except (NotX12, ValueError):
        why_not = f"it left in another form: see {earlier.file}"
    if why_not:
        report.problems.append(f"Claim {number} is not voided: {why_not}.")
    else:
        report.about[again] = earlier


def _void_in_x12(content: bytes, void: Voiding, site: Site, output: Output) -> str:
    """Adds the void, or says why not."""
    resent = voided(segments(BytesIO(content)), void)
    if resent is None:
        return "it left in no 837"
    receiver = _receiver(site, resent.receiver_id)
    if receiver is None:
        return (
            f"it goes where the claim went, to {resent.receiver_id}, and the site's receivers have"
            " no such id"
        )
    return "; ".join(output.add_again(resent, receiver))


def _void_in_fhir(content: bytes, void: Voiding, _: Site, output: Output) -> str:
    sent = next((one for one in sent_claims(content) if one.number == void.about), None)
    if sent is None:
        return "it left in no FHIR Claim"
    output.cancel(sent, void)
    return ""


def _receiver(site: Site, written: str) -> Receiver | None:
    found = (row for row in site.receivers if written in (row.id, row.test_id))
    return next(found, None)
