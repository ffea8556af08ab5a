"""What a row of a site's own tables may stand for: one answer for the configuration and for what
people decide.

Held by tests/unit/test_decisions.py.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from mappings import codes
from mappings.codes.tables import ClassKind

# What a payer may be called by a person, in a decision or in the configuration.
PayerKind = Literal[
    "medicare", "medicare-advantage", "medicaid", "commercial", "supplement", "government",
    "hospice", "drug-only", "dental", "vision", "not-medical", "hospital-only", "self-pay",
]  # fmt: skip


def payer(_key: str, value: str) -> str:
    """A kind, or `kind/payer`. ValueError where there is no such kind."""
    kind = value.partition("/")[0]
    if kind not in get_args(PayerKind):
        known = ", ".join(get_args(PayerKind))
        raise ValueError(f"{kind} is not a kind of payer (known: {known})")
    return value


def analyte(key: str, value: str) -> str:
    """By name; a LOINC stands for its analyte. ValueError where it is neither."""
    table = codes.labs()
    names = {
        **{code: row.analyte for code, row in table.by_loinc.items()},
        **{name: name for name in table.by_name},
    }
    return _known(key, value, names, f"an analyte ({', '.join(table.by_name)}) or the LOINC of one")


def product(key: str, value: str) -> str:
    names = {name: name for name in codes.families()}
    return _known(key, value, names, f"a product ({', '.join(names)})")


def class_kind(key: str, value: str) -> str:
    names: dict[str, str] = {name: name for name in get_args(ClassKind)}
    return _known(key, value, names, f"a kind of class ({', '.join(names)})")


def status(key: str, value: str) -> str:
    """KEY: `element|word`, such as `Condition.clinicalStatus|ACT`."""
    element, _, word = key.partition("|")
    table = codes.statuses().get(element)
    if table is None or not word:
        known = ", ".join(codes.statuses())
        raise ValueError(f"{element!r} is not an element whose statuses are read ({known})")
    names = {name: name for name in table.words}
    return _known(word, value, names, f"a status of {element} ({', '.join(names)})")


# By table, what a value of it comes to.
MEANINGS: Mapping[str, Callable[[str, str], str]] = {
    "payer_aliases": payer,
    "lab_aliases": analyte,
    "drug_aliases": product,
    "encounter_classes": class_kind,
    "status_words": status,
}


def _known(key: str, value: str, names: Mapping[str, str], wanted: str) -> str:
    if value not in names:
        raise ValueError(f"what {key!r} stands for is not {wanted}")
    return names[value]
