"""What a claim of a facility says of the stay, in the `supportingInfo` of FHIR.

Held by tests/unit/test_writing_claims.py.
"""

from collections.abc import Iterator

from mappings.writing.preparing.drafts import Draft
from mappings.writing.preparing.statements import Statement
from mappings.writing.transaction import Resource, concept

_NUBC = "https://www.nubc.org/CodeSystem"
_BILL_TYPE = f"{_NUBC}/TypeOfBill"
_PRIORITY, _ORIGIN = f"{_NUBC}/PriorityTypeOfAdmitOrVisit", f"{_NUBC}/PointOfOrigin"
_STATUS, _CONDITION = f"{_NUBC}/PatDischargeStatus", f"{_NUBC}/ConditionCodes"
_VALUE, _OCCURRENCE = f"{_NUBC}/ValueCodes", f"{_NUBC}/OccurrenceCodes"
_INFORMATION = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType"


def of_the_stay(
    draft: Draft, made: Statement | None
) -> Iterator[tuple[Resource, Resource, Resource]]:
    """Type of bill, priority, origin, status, and the facility's codes: category, code, value."""
    if made is None:
        return
    frequency = (draft.bill_type or "")[:2] + made.frequency
    yield concept(_INFORMATION, "typeofbill"), concept(_BILL_TYPE, frequency), {}
    yield concept(_INFORMATION, "admtype"), concept(_PRIORITY, made.priority), {}
    yield concept(_INFORMATION, "pointoforigin"), concept(_ORIGIN, made.origin), {}
    yield concept(_INFORMATION, "discharge-status"), concept(_STATUS, made.status), {}
    for code in made.conditions:
        said = condition_code(code)
        yield said["category"], said["code"], {}
    for code, amount in made.values:
        yield {"text": "value code"}, concept(_VALUE, code), {"valueQuantity": {"value": amount}}
    for code, day in made.occurrences:
        yield {"text": "occurrence code"}, concept(_OCCURRENCE, code), {"timingDate": str(day)}


def condition_code(code: str) -> Resource:
    """Beside its sequence."""
    return {"category": {"text": "condition code"}, "code": concept(_CONDITION, code)}
