"""Claims a second: writing 837s with every check of ours beside pyx12's validation of the same
file; FHIR Claims; and the memory of a long run.

    python benchmarks/claims.py [CLAIMS]

Trust the ratios, not the seconds. Run it on one core that is not busy otherwise.
"""

import io
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import pyx12.params
import pyx12.x12n_document
from msgspec.structs import replace

from integration.claims import Format
from integration.claims.folder import FolderBefore
from integration.claims.forms import Writing
from integration.claims.output import Output
from integration.claims.sent import Corrections
from integration.claims.writing import Leaving
from integration.claims.writing import write as to_files
from mappings.record import PatientRecord
from mappings.site import Receiver
from mappings.writing.checks.fault import Fault
from mappings.writing.checks.file import check
from mappings.writing.fhir_claim import written_claim
from mappings.writing.form837.interchange import Interchange
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.prepare import Basis, prepare
from mappings.writing.preparing.prepared import Claim
from tests import builders, claims

AIM_X12, AIM_FHIR, FHIR_BEFORE = 4, 3, 140
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
PAIR = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")
RECEIVER = Receiver(name="Clearing House", id="CLEAR", sender_id="RIVER")
SITE = replace(claims.SITE, receivers=(RECEIVER,))
BASIS = Basis(site=SITE, charging=price_list("hcpcs,charge\nJ1756,0.5\n", "prices.csv"))


def sample() -> tuple[Claim, PatientRecord]:
    """A dose and its discard, as the office bills them."""
    document, records = claims.assessed(claims.chart(PAIR), SITE)
    (patient,) = document.patients
    record = records[patient.patient]
    (claim,) = prepare(patient.patient, patient.lines, record, BASIS)
    assert isinstance(claim, Claim)
    return claim, record


def many(claim: Claim, wanted: int) -> Iterator[Claim]:
    """Claims of as many patients, each with numbers of its own."""
    for number in range(wanted):
        draft = replace(claim.draft, patient=f"Patient/{number}")
        name = replace(claim.who.first.subscriber, family=f"DOE{number}")
        who = replace(claim.who, patient=name, first=replace(claim.who.first, subscriber=name))
        yield replace(claim, number=f"B{number:09}", draft=draft, who=who)


def write(some: Iterator[Claim], put: Callable[[str], object]) -> None:
    file = Interchange(put, RECEIVER, "professional", NOW, count(1), test=True)
    for claim in some:
        assert file.add([claim]) == []
    file.close()


def seconds(work: Callable[[], object]) -> float:
    """Of this process's own time: others on the machine count for nothing."""
    started = time.process_time()
    work()
    return time.process_time() - started


def validated(text: str) -> None:
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    said = io.StringIO()
    params = pyx12.params.params()
    assert pyx12.x12n_document.x12n_document(params, io.StringIO(text), said, None)


def leaving(wanted: int) -> Iterator[Leaving]:
    """The released lines of as many patients, each read when it is their turn."""
    document, records = claims.assessed(claims.chart(PAIR), SITE)
    (patient,) = document.patients
    record = records[patient.patient]
    for number in range(wanted):
        yield Leaving(f"Patient/{number}", patient.lines, record)


def run(wanted: int, form: Format) -> float:
    """Claims from lines to a file in its place, as `claims write` does it; the most memory, in MB,
    that this process had."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        how = Writing(folder, SITE, "bench", form, NOW, count(1), test=True)
        output = Output(how)
        before = FolderBefore(folder, "bench")
        report = to_files(leaving(wanted), BASIS, output, before, Corrections())
        output.place(report.parts)
        output.drop()
    assert report.claims == wanted, report.refused[:1]
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def peak_mb(wanted: int, form: Format) -> float:
    """Of a process of its own."""
    command = [sys.executable, __file__, str(wanted), form]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    claim, record = sample()
    parts: list[str] = []
    write(many(claim, 10), lambda _: None)
    writing = seconds(lambda: write(many(claim, wanted), parts.append))
    text = "".join(parts)
    theirs = seconds(lambda: validated(text))
    faults: list[Fault] = []
    checking = seconds(lambda: faults.extend(check(io.BytesIO(text.encode()))))
    assert not faults, faults[0].sentence
    ratio = theirs / writing
    print(f"{wanted} claims, a dose and its discard each, {len(text) / wanted:.0f} bytes")
    print(f"837 written with all checks: {wanted / writing:>8.0f} claims/s")
    print(f"837 checked from the file:   {wanted / checking:>8.0f} claims/s")
    print(f"837 validated by pyx12:      {wanted / theirs:>8.0f} claims/s")
    print(f"  writing with checks is {ratio:.1f} x pyx12's validation alone (aim {AIM_X12})")
    encode = msgspec.json.Encoder(decimal_format="number").encode

    def as_fhir() -> None:
        for one in many(claim, wanted):
            encode(written_claim(one, record, SITE, NOW, active=False))

    rate = wanted / seconds(as_fhir)
    print(f"FHIR Claims: {rate:>24.0f} claims/s, {rate / FHIR_BEFORE:.1f} x {FHIR_BEFORE}/s"
          f" of 2026-11-29 (aim {AIM_FHIR})")  # fmt: skip
    forms: tuple[Format, ...] = ("x12", "fhir")
    for form in forms:
        small, large = peak_mb(1000, form), peak_mb(50_000, form)
        print(f"memory of 1,000 claims as {form:4} {small:.1f} MB, of 50,000 {large:.1f} MB")
        assert large < small + 5, "memory grows with the number of claims"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(run(int(sys.argv[1]), sys.argv[2]))  # type: ignore[arg-type]
    else:
        main()
