"""Charts from which claims can be written, and the validator that looks at what was written."""

import functools
import io
import json
import logging
from datetime import UTC, datetime
from itertools import count

import msgspec
import pyx12.map_if
import pyx12.params
import pyx12.x12n_document

from mappings.assessment import Assessment
from mappings.reading import read
from mappings.record import Address, OnClaims, PatientRecord, Problem
from mappings.site import BillingProvider, PayerAlias, Receiver, Site
from mappings.writing.checks.file import check
from mappings.writing.drafting import x12
from mappings.writing.form837.interchange import Interchange
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.prepare import Basis, LeftOut, prepare
from mappings.writing.preparing.prepared import Claim
from tests import builders
from tests.builders import Resource

# pyx12 reads its maps anew for each file, which takes twenty times as long as the file; what it
# counts in a file it keeps apart from them.
_read_map = pyx12.map_if.load_map_file
_PARAMETERS = pyx12.params.params()


@functools.cache
def _map(name: str, path: str | None) -> pyx12.map_if.map_if:
    return _read_map(name, _PARAMETERS, path)


pyx12.map_if.load_map_file = lambda name, _, path=None: _map(name, path)
NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
NPI = "http://hl7.org/fhir/sid/us-npi"
PROVIDER = BillingProvider(
    name="Riverside Nephrology PC",
    npi="1234567893",
    tax_id="123456789",
    taxonomy="207RN0300X",
    phone="5555551234",
    address=Address(
        line=("100 Main Street",), city="Columbus", state="OH", postal_code="432151234"
    ),
)
PAYERS = {
    "Medicare": PayerAlias(kind="medicare", on_claims=OnClaims(id="15202")),
    "Sunrise Health Plan": PayerAlias(kind="commercial", on_claims=OnClaims(id="SHP01")),
}
SITE = Site(billing_provider=PROVIDER, payer_aliases=PAYERS, time_zone="America/New_York")
HOME: Resource = {
    "line": ["12 Elm Street"],
    "city": "Columbus",
    "state": "OH",
    "postalCode": "43215",
}
SMITH: Resource = {"individual": {"reference": "Practitioner/smith"}}
ATTENDER = [{"type": [{"coding": [{"code": "ATND"}]}], **SMITH}]
VISIT: Resource = {
    "period": {"start": "2026-10-01T00:00:00-05:00", "end": "2026-11-20T23:59:00-05:00"}
}


def practitioner(npi: str = "1598765430", name: str = "smith", family: str = "Smith") -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": name,
        "identifier": [{"system": NPI, "value": npi}],
        "name": [{"family": family, "given": ["Alan"]}],
    }


def patient(family: str = "Doe", given: str = "Jane", **extra: object) -> Resource:
    said = {"name": [{"family": family, "given": [given]}], "address": [HOME], **extra}
    return builders.patient(**said)  # type: ignore[arg-type]


def chart(*changes: Resource, without: tuple[str, ...] = ()) -> list[Resource]:
    """`builders.complete()` with everything that a claim asks for besides."""
    return builders.chart(
        practitioner(),
        patient(),
        builders.encounter(participant=ATTENDER),
        builders.coverage(subscriberId="1EG4TE5MK73"),
        *changes,
        without=without,
    )


def hospital(*changes: Resource) -> list[Resource]:
    """The same dose in a hospital's outpatient department (13X)."""
    return chart(builders.location("22"), *changes)


def dialysis(*changes: Resource) -> list[Resource]:
    """The same dose in a dialysis facility (72X), for end-stage renal disease."""
    return chart(
        builders.location("65"),
        builders.condition("N18.6"),
        builders.condition("Z99.2"),
        *changes,
        without=("ckd",),
    )


def commercial(*changes: Resource) -> list[Resource]:
    """The same dose for a child on a parent's commercial plan, authorized."""
    father: Resource = {
        "resourceType": "RelatedPerson",
        "id": "father",
        "patient": {"reference": "Patient/p1"},
        "name": [{"family": "Doe", "given": ["John"]}],
    }
    plan = builders.commercial(
        subscriberId="W123",
        subscriber={"reference": "RelatedPerson/father"},
        relationship={"coding": [{"code": "child"}]},
    )
    return chart(father, plan, builders.authorization(), builders.note(), *changes)


def assessed(
    resources: list[Resource], site: Site = SITE
) -> tuple[Assessment, dict[str, PatientRecord]]:
    records, problems = read(resources, site)
    assert not problems
    return builders.document_of(resources, site=site), {
        record.patient: record for record in records
    }


def written(resources: list[Resource], site: Site = SITE) -> tuple[str, list[Problem]]:
    document, records = assessed(resources, site)
    return x12(document, records, site, NOW)


def validated(text: str) -> str:
    """What pyx12 says against a file: its acknowledgment; nothing where the file is accepted."""
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    acknowledgment = io.StringIO()
    accepted = pyx12.x12n_document.x12n_document(
        pyx12.params.params(), io.StringIO(text), acknowledgment, None
    )
    said: str = acknowledgment.getvalue()
    return "" if accepted else said or "no X12 at all"


def faults(text: str) -> list[str]:
    """What our own checks say against a file, a sentence each."""
    return [fault.sentence for fault in check(io.BytesIO(text.encode()))]


def as_json(resource: Resource) -> Resource:
    """As it leaves: decimals are numbers."""
    written: Resource = json.loads(msgspec.json.Encoder(decimal_format="number").encode(resource))
    return written


def leaving(
    resources: list[Resource], site: Site = SITE, prices: str = "hcpcs,charge\nJ1756,0.5\n"
) -> tuple[str, list[str]]:
    """Claims that count as they would leave, as one text, and why others do not. Everything that is
    ready counts as released."""
    document, records = assessed(resources, site)
    receiver = Receiver(name="Clearing House", id="CLEAR", sender_id="RIVER")
    basis = Basis(
        site=msgspec.structs.replace(site, receivers=(receiver,)),
        charging=price_list(prices, "prices.csv"),
    )
    made: list[Claim] = []
    reasons: list[str] = []
    for patient in document.patients:
        lines = [line for line in patient.lines if line.status == "ready"]
        for found in prepare(patient.patient, lines, records[patient.patient], basis):
            if isinstance(found, LeftOut):
                reasons += found.reasons
            elif isinstance(found, Claim):
                made.append(found)
    parts: list[str] = []
    for kind in sorted({claim.kind for claim in made}):
        file = Interchange(parts.append, receiver, kind, NOW, count(1), test=True)
        for claim in made:
            reasons += file.add([claim]) if claim.kind == kind else []
        file.close()
    return "".join(parts), reasons


#: A chart of each kind of claim.
CHARTS = {
    "office": chart(
        builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")
    ),
    "hospital": hospital(),
    "dialysis": dialysis(),
    "commercial": commercial(),
}
