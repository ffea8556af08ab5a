"""What a document says beside its sentences: words may change, what was decided does not.

Held by tests/unit/test_sentences.py.
"""

import re
from typing import Any

from mappings.values.us_dates import MONTHS

# Elements of the assessment document that hold sentences for people; of a step and of a rule that
# asks (`asked`) it is `says` as well.
SENTENCES = frozenset({"message", "fix", "says", "title", "notes", "problem", "reason"})
_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[0-9]+(?:[.-][0-9]+)*")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_US_DATE = re.compile(rf"\b({'|'.join(MONTHS)}) (?:([0-9]{{1,2}}), )?([0-9]{{4}})\b")


def amounts(text: str) -> list[str]:
    """The numbers and dates of a sentence, wherever they stand in it and however dates and
    thousands are written."""
    if not _DIGIT.search(text):
        return []
    return sorted(_NUMBER.findall(_THOUSANDS.sub("", _US_DATE.sub(_iso, text))))


def _iso(found: re.Match[str]) -> str:
    month = f"{found[3]}-{MONTHS.index(found[1]) + 1:02}"
    return f"{month}-{int(found[2]):02}" if found[2] else month


def without_words(document: Any) -> Any:
    """A decoded assessment, or a part of one, with the amounts alone of each sentence."""
    if isinstance(document, dict):
        return {
            key: _amounts_of(value) if key in SENTENCES else without_words(value)
            for key, value in document.items()
        }
    return [without_words(item) for item in document] if isinstance(document, list) else document


def _amounts_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_amounts_of(item) for item in value]
    return amounts(value) if isinstance(value, str) else value
