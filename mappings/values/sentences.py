"""What a document says beside its sentences: words may change, what was decided does not."""

import re
from typing import Any

from mappings.values.us_dates import MONTHS

# Elements of the assessment document that hold sentences for people; of a step and of a rule that
# asks (`asked`) it is `says` as well.
SENTENCES = frozenset({"message", "fix", "says", "title", "notes", "problem", "reason"})
# A number, or the month of a day: `Nov 1, 2026` is another than `Oct 1, 2026`.
_AMOUNT = re.compile(rf"[0-9]+(?:[.,][0-9]+)*|\b(?:{'|'.join(MONTHS)})\b")


def amounts(text: str) -> list[str]:
    """The numbers and months of a sentence, wherever they stand in it."""
    return sorted(_AMOUNT.findall(text))


def without_words(document: Any) -> Any:
    """A decoded assessment, or a part of one, with the amounts alone of each sentence."""
    if isinstance(document, dict):
        return {
            key: _amounts_of(value) if key in SENTENCES else without_words(value)
            for key, value in document.items()
        }
    return [without_words(row) for row in document] if isinstance(document, list) else document


def _amounts_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_amounts_of(row) for row in value]
    return amounts(value) if isinstance(value, str) else value
