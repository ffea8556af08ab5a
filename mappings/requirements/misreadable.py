"""Words of a record that findings rest on, and that a person may say were misread.

Held by tests/contract/test_deciding.py.
"""

from collections.abc import Iterable

from msgspec import Struct

from mappings.assessment import WORST_FIRST, Finding
from mappings.decisions import NoteMisread
from mappings.values.identity import stable_id
from mappings.values.stated import FREE_TEXT, Unread, quoted_in

_CONFIRM = "If the words say nothing of the kind, have the billing office confirm that."


class QuotedWords(Struct, frozen=True):
    """Words of an administration that hold its dose."""

    administration: str
    says: str

    @property
    def key(self) -> str:
        """What a form calls them."""
        return stable_id(self.administration, self.says)

    def misread(self, patient: str) -> NoteMisread:
        """That they say nothing against the dose."""
        return NoteMisread(patient=patient, administration=self.administration, words=self.says)


def or_misread(fix: str, *quotes: Unread | None) -> str:
    """A fix; where it rests on words that may be misread, also what is done about these."""
    misreadable = any(quoted and quoted.element in FREE_TEXT for quoted in quotes)
    return f"{fix} {_CONFIRM}" if misreadable else fix


def quoted_words(findings: Iterable[Finding]) -> tuple[QuotedWords, ...]:
    """What is quoted of notes and dosages, where a finding that is open rests on it."""
    found = (
        (item.resource, quoted_in(item.says))
        for finding in findings
        if finding.state in WORST_FIRST
        for item in finding.evidence
    )
    return tuple(
        dict.fromkeys(
            QuotedWords(resource, quoted.says)
            for resource, quoted in found
            if quoted and quoted.element in FREE_TEXT
        )
    )
