"""The unit of a Quantity, by its code and by its text, without what does not change a unit (R3):
UCUM annotations, brackets, "(of) iron".

Held by tests/unit/test_lab_texts.py.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mappings.reading.fhir import elements

_ANNOTATION = re.compile(r"\{[^{}]*\}")
_REMARK = re.compile(
    r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\]|\bof\b.*|(?<=\s)(?:elemental(?:\s+iron)?|iron|fe)))+$",
    re.IGNORECASE,
)


def code_of(quantity: Mapping[str, Any]) -> str:
    return elements.text(quantity.get("code")).strip()


def text_of(quantity: Mapping[str, Any]) -> str:
    return elements.text(quantity.get("unit")).strip()


def is_ucum(quantity: Mapping[str, Any]) -> bool:
    """Whether the code counts by itself."""
    return bool(code_of(quantity)) and elements.system(quantity.get("system")) == elements.UCUM


@lru_cache(maxsize=1024)
def bare(unit: str) -> str:
    """`mg{iron}`, `mg of iron`, `mg iron`, `% (calc)` → `mg`, `mg`, `mg`, `%`. A unit that is
    nothing else stays (`{ratio}`, `[lb_av]`)."""
    kept = unit.strip()
    for pattern in (_ANNOTATION, _REMARK):
        shorter = pattern.sub("", kept).strip()
        kept = shorter or kept
    return kept
