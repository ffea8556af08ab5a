"""FHIR Claims that left before, out of their file: which they are, and one of them canceled.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from mappings.site import Site
from mappings.values import words
from mappings.values.own_names import CLAIM_NUMBER, LINE
from mappings.writing.fhir_claim import related
from mappings.writing.stay import condition_code
from mappings.writing.transaction import Resource

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class SentClaim(Struct, frozen=True):
    """`lines`: ids of claim lines; `resource`: as it left."""

    number: str
    lines: tuple[str, ...]
    replaces: bool
    canceled: bool
    active: bool
    resource: Resource

    def goes_to_part_b(self, site: Site) -> bool:
        """Whether original Medicare has it as a professional claim, by the site's payers."""
        payer = self.resource.get("insurer", {}).get("display", "")
        known = words.apart(payer, sorted(site.payer_aliases, key=len, reverse=True))
        kinds = {site.payer_aliases[name].kind for name in known}
        professional = self.resource["type"]["coding"][0]["code"] == "professional"
        return professional and kinds == {"medicare"}

    @property
    def total(self) -> Decimal:
        return Decimal(self.resource["total"]["value"])


def sent_claims(file: bytes) -> Iterator[SentClaim]:
    """The claims of a transaction of ours, in its order. ValueError where it is none."""
    try:
        for entry in _DECODER.decode(file).get("entry", ()):
            if entry["resource"]["resourceType"] == "Claim":
                yield _sent(entry["resource"])
    except (KeyError, TypeError, AttributeError, RuntimeError) as problem:
        raise ValueError("no transaction of ours") from problem


def _sent(claim: dict[str, Any]) -> SentClaim:
    numbers = (
        identifier["value"]
        for identifier in claim["identifier"]
        if identifier["system"] == CLAIM_NUMBER
    )
    said = chain.from_iterable(item.get("extension", ()) for item in claim["item"])
    return SentClaim(
        number=next(numbers),
        lines=tuple(extension["valueString"] for extension in said if extension["url"] == LINE),
        replaces=bool(claim.get("related")),
        canceled=claim["status"] == "cancelled",
        active=claim["status"] == "active",
        resource=claim,
    )


def canceled(sent: SentClaim, original: str, reason: str | None = None) -> Resource:
    """The same Claim, with everything that it was sent with, canceled; `original` is the payer's
    number of it, `reason` why, as Medicare's Part A asks (a condition code)."""
    void = sent.resource | {"status": "cancelled", "related": [related(original)]}
    if reason:
        said = void.get("supportingInfo", [])
        row = {"sequence": len(said) + 1, **condition_code(reason)}
        void["supportingInfo"] = [*said, row]
    return void
