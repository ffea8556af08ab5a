"""Numbers that tell by their form whether they can be right: NPI, tax number, taxonomy code,
Medicare number, addresses that are post boxes.

Held by tests/unit/test_claim_checks.py.
"""

import re

# CMS, "Understanding the Medicare Beneficiary Identifier (MBI) Format": the eleven positions; no S,
# L, O, I, B, Z.
_C, _N, _A = "[1-9]", r"\d", "[AC-HJKMNP-RT-Y]"
_AN = r"[\dAC-HJKMNP-RT-Y]"
_MBI = (_C, _A, _AN, _N, _A, _AN, _N, _A, _A, _N, _N)
_MEANS = {
    _C: "a digit from 1 to 9",
    _N: "a digit",
    _A: "a letter other than S, L, O, I, B, Z",
    _AN: "a digit or a letter other than S, L, O, I, B, Z",
}
# The number before 2020: a social security number with a code, or the railroad's.
_HICN = re.compile(r"\d{9}[A-Z][A-Z0-9]?|[A-Z]{1,3}(\d{6}|\d{9})")
_BOX = re.compile(
    r"\b(P\.?\s*O\.?\s*(BOX|B\b|DRAWER)|POST(AL)?\s+(OFFICE\s+)?BOX|LOCK\s*BOX)",
    re.IGNORECASE,
)


def valid_npi(npi: str) -> bool:
    """Ten digits whose last is the Luhn check digit with the prefix 80840 (CMS, NPI check
    digit)."""
    if not re.fullmatch(r"[0-9]{10}", npi):
        return False
    digits = [int(digit) for digit in reversed("80840" + npi)]
    doubled = [
        sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)
    ]
    return sum(doubled) % 10 == 0


# NUCC, Health Care Provider Taxonomy: every code of the set has this form, so that an O for a 0 is
# seen.
TAXONOMY = r"^\d{3}[0-9A-Z]{2}\d{4}X$"


def valid_taxonomy(code: str) -> bool:
    """Whether it has the form of a provider taxonomy code (NUCC)."""
    return re.fullmatch(TAXONOMY, code, re.ASCII) is not None


def tax_number_fault(number: str, kind: str) -> str | None:
    """What is wrong with nine digits of a tax number, an employer's (EI) or a social security
    number (SY); None where its form is right."""
    if not re.fullmatch(r"[0-9]{9}", number):
        return "has not nine digits"
    if len(set(number)) == 1:
        return "is one digit nine times"
    if kind != "SY":
        return "begins with 00, as no employer's number does" if number[:2] == "00" else None
    # SSA, "Social Security Number Randomization": what is never assigned.
    never = number[:3] in ("000", "666") or number[3:5] == "00" or number[5:] == "0000"
    return "is no social security number: one is never assigned so" if never else None


def medicare_number(written: str) -> str:
    """In capitals, without the dashes and spaces that cards print."""
    return re.sub(r"[\s\-‐-―]", "", written).upper()


def medicare_number_fault(number: str) -> str | None:
    """What is wrong with a Medicare number; None where its form is right."""
    if _HICN.fullmatch(number):
        return "is an old health insurance claim number: record the Medicare number of the new card"
    if len(number) != len(_MBI):
        return f"has {len(number)} characters, a Medicare number has eleven"
    for place, (letter, form) in enumerate(zip(number, _MBI, strict=True), 1):
        if not re.fullmatch(form, letter, re.ASCII):
            return f"has {letter} as character {place}, where {_MEANS[form]} stands"
    return None


def is_post_box(line: str) -> bool:
    """Whether an address line is a post office box or lockbox, which a billing provider's own
    address must not be (X222 and X223, 2010AA N3)."""
    return _BOX.search(line) is not None
