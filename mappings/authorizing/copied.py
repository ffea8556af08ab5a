"""Resources of a chart as they go to a payer: what they say by codes, figures and dates, and
nothing that leads elsewhere.

Held by tests/unit/test_authorization_requests.py.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from mappings.record import ORDERS
from mappings.values import systems
from mappings.values.moment import parse
from mappings.writing.transaction import Resource

# A resource of a chart by Type/id.
Chart = Callable[[str], Resource | None]
# What is taken of a value: None where it is not what stands there by FHIR.
Taken = Callable[[Any], Any]
_CODE = re.compile(r"[^\s]+(?: [^\s]+)*")
_INSTANT = re.compile(r".*T.*(?:Z|[+-][0-9]{2}:[0-9]{2})")


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and value.strip() else None


def _code(value: Any) -> Any:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _number(value: Any) -> Any:
    is_one = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return value if is_one and Decimal(str(value)).is_finite() else None


def _whole(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _when(value: Any) -> Any:
    """A time of day has a zone."""
    is_whole = parse(value) is not None and ("T" not in value or _INSTANT.fullmatch(value))
    return value if is_whole else None


def _one_of(*words: str) -> Taken:
    return lambda value: value if isinstance(value, str) and value in words else None


def _parts(shape: Mapping[str, Taken]) -> Taken:
    """Those of an object that are what they should be; None where nothing is left."""

    def taken(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        found = {name: take(value[name]) for name, take in shape.items() if name in value}
        return {name: part for name, part in found.items() if part is not None} or None

    return taken


def _every(take: Taken) -> Taken:
    def taken(value: Any) -> Any:
        found = [take(part) for part in value] if isinstance(value, list) else []
        return [part for part in found if part is not None] or None

    return taken


_CODING = {"system": _code, "version": _text, "code": _code, "display": _text}
_CONCEPT = _parts({"coding": _every(_parts(_CODING)), "text": _text})
_REFERENCE = _parts({"reference": _text})
# Without what people wrote beside it.
_CODED = _parts({"coding": _every(_parts(_CODING))})
_STATED = _parts(
    {
        "value": _number,
        "comparator": _one_of("<", "<=", ">=", ">"),
        "unit": _text,
        "system": _code,
        "code": _code,
    }
)
# UCUM codes of doses and of these results; any other is left out, and its unit stays.
# fmt: off
_UNITS = frozenset((
    "%", "1", "g", "g/L", "g/dL", "[lb_av]", "kg", "L", "mL", "mg", "mg/L", "mg/dL",
    "mmol/L", "ng/dL", "ng/mL", "pmol/L", "ug", "ug/L", "ug/dL", "ug/mL", "umol/L",
))
# fmt: on


def _quantity(value: Any) -> Any:
    found = _STATED(value)
    if found and not (found.get("system") == systems.UCUM and found.get("code") in _UNITS):
        found = {name: part for name, part in found.items() if name not in ("system", "code")}
    return found


_RANGE = _parts({"low": _quantity, "high": _quantity})
_PERIOD = _parts({"start": _when, "end": _when})
_REPEAT = _parts(
    {
        "count": _whole,
        "frequency": _whole,
        "period": _number,
        "periodUnit": _one_of("s", "min", "h", "d", "wk", "mo", "a"),
    }
)


def _repeat(value: Any) -> Any:
    """A period without a unit is none, nor a unit without one."""
    found = _REPEAT(value) or {}
    if not {"period", "periodUnit"} <= set(found):
        found = {name: part for name, part in found.items() if name == "count"}
    return found or None


_DOSAGE = _parts(
    {
        "sequence": _whole,
        "timing": _parts({"repeat": _repeat}),
        "doseAndRate": _every(_parts({"doseQuantity": _quantity})),
    }
)
# What a payer needs of each, and no more (45 CFR 164.502(b), minimum necessary).
_SHARED: dict[str, Mapping[str, Taken]] = {
    "Observation": {
        "status": _one_of("final", "amended", "corrected"),
        "category": _every(_CODED),
        "code": _CONCEPT,
        "effectiveDateTime": _when,
        "effectivePeriod": _PERIOD,
        "effectiveInstant": _when,
        "valueQuantity": _quantity,
        "valueInteger": _number,
        "valueRange": _RANGE,
        "interpretation": _every(_CODED),
        "referenceRange": _every(_RANGE),
    },
    "MedicationRequest": {
        "medicationCodeableConcept": _CONCEPT,
        "authoredOn": _when,
        "dosageInstruction": _every(_DOSAGE),
    },
}
_VALUES = ("valueQuantity", "valueInteger", "valueRange")
_LABORATORY = [{"coding": [{"system": f"{systems.HL7}observation-category", "code": "laboratory"}]}]
_ORDER = _one_of(*ORDERS)
# PAS 2.2.1 takes no others.
_TAKEN = {"status": "active", "intent": "order"}


def result(original: Resource, identity: str, says: str) -> Resource:
    """An Observation under another id. SAYS: what was read of it, where it says that in words, or
    in a part of it."""
    said = _shared(original) | {"resourceType": "Observation", "id": identity}
    if not any(name in said for name in _VALUES):
        said["valueString"] = says
    return {"status": "final", "category": _LABORATORY} | said


def order(original: Resource, identity: str, chart: Chart) -> Resource | None:
    """A MedicationRequest under another id, its drug by a concept; None of one that is none to be
    filled as it stands."""
    said = _shared(original)
    named = _REFERENCE(original.get("medicationReference")) or {}
    called = said.get("medicationCodeableConcept") or _called(chart(named.get("reference", "")))
    fit = original.get("status") == "active" and _ORDER(original.get("intent"))
    if not (fit and called and said.get("authoredOn")):
        return None
    own = {"resourceType": "MedicationRequest", "id": identity, **_TAKEN}
    return {**own, **said, "medicationCodeableConcept": called}


def _called(medication: Resource | None) -> Any:
    return _CONCEPT((medication or {}).get("code"))


def _shared(original: Resource) -> Resource:
    found: Resource = _parts(_SHARED[original["resourceType"]])(original) or {}
    return found
