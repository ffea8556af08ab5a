"""Who a patient is, and who took part.

Held by tests/unit/test_reading_people.py.
"""

from msgspec import Struct


class Name(Struct, frozen=True, gc=False):
    family: str
    given: str = ""
    middle: str = ""
    suffix: str = ""


class Address(Struct, frozen=True, gc=False, kw_only=True):
    """`state`: two letters; `postal_code`: five or nine digits; each empty where it is written
    otherwise."""

    line: tuple[str, ...]
    city: str
    state: str
    postal_code: str


class Demographics(Struct, frozen=True, gc=False, kw_only=True):
    """Who the patient is on a claim, beside `born` and `sex`."""

    name: Name | None = None
    address: Address | None = None


class Practitioner(Struct, frozen=True, gc=False, kw_only=True):
    """Who took part, and as what (HL7 v3 ParticipationType, or the function of a performer); `npi`
    and `name` are None where they can't be told. `credentials`: codes and words of what they are,
    where no taxonomy is. `says`: what the reference itself shows.
    """

    reference: str | None = None
    role: str | None = None
    npi: str | None = None
    name: Name | None = None
    taxonomy: str | None = None
    credentials: tuple[str, ...] = ()
    says: str = ""
