"""Unit texts without what does not change a unit (R3): UCUM annotations, brackets, "(of) iron".

Held by tests/unit/test_lab_texts.py.
"""

import re
from functools import lru_cache

_ANNOTATION = re.compile(r"\{[^{}]*\}")
_REMARK = re.compile(
    r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\]|\bof\b.*|(?<=\s)(?:elemental(?:\s+iron)?|iron|fe)))+$",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def bare(unit: str) -> str:
    """`mg{iron}`, `mg of iron`, `mg iron`, `% (calc)` → `mg`, `mg`, `mg`, `%`. A unit that is
    nothing else stays (`{ratio}`, `[lb_av]`)."""
    kept = unit.strip()
    for pattern in (_ANNOTATION, _REMARK):
        shorter = pattern.sub("", kept).strip()
        kept = shorter or kept
    return kept
