"""Claims that left before, for those that replace or void them, and the database's; those of a
folder are in `folder`.

Held by tests/contract/test_claims_sent.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from integration.claims.output import CHARGES
from integration.errors import ConfigurationError
from integration.store import Db, claims
from mappings.writing.preparing.drafts import Draft
from mappings.writing.x12.segments import carried

_REASON = re.compile(r"([DE]\d)?", re.ASCII)


@dataclass(frozen=True)
class Earlier:
    """A claim that left: its number, the file it left in, and the lines it carried, by the ids that
    a claim gives them (REF*6R). `payer_number`: the payer's own (ICN), where an answer told it;
    `is_charges`: its lines went to the facility, for its own claim."""

    number: str
    file: str
    production: bool
    lines: frozenset[str]
    payer_number: str = ""
    is_charges: bool = False


class Before(Protocol):
    """What left before this run."""

    def of(self, draft: Draft) -> list[Earlier]:
        """Claims with a line of this one, or its number; newest first."""

    def named(self, number: str) -> Earlier | None:
        """The newest claim of that number, where it still stands."""

    def content(self, file: str) -> bytes:
        """A file as it left."""


def line_key(line_id: str) -> str:
    """As REF*6R begins."""
    return line_id[:24].upper()


class StoredBefore:
    """The claims of the database, of one site."""

    def __init__(self, db: Db, site: str, patients: Mapping[str, int]) -> None:
        self._db, self._site, self._patients = db, site, patients

    def of(self, draft: Draft) -> list[Earlier]:
        patient = self._patients.get(draft.patient)
        if patient is None:
            return []
        lines = [line.id for line in draft.lines]
        found = claims.of_lines(self._db, patient, lines)
        return [_earlier_of(one) for one in found]

    def named(self, number: str) -> Earlier | None:
        found = claims.by_number(self._db, self._site, number)
        return _earlier_of(found) if found and found.state in claims.STANDING else None

    def content(self, file: str) -> bytes:
        kept = claims.content(self._db, file, [self._site])
        return kept.content if kept else b""


def _earlier_of(sent: claims.Sent) -> Earlier:
    return Earlier(
        sent.number,
        sent.file,
        sent.production,
        frozenset(map(line_key, sent.lines)),
        sent.payer_number or "",
        sent.kind == CHARGES,
    )


@dataclass(frozen=True)
class Original:
    """The payer's number of a claim (empty: as it answered), and why it is corrected, where its
    payer asks (Medicare's Part A: a condition code)."""

    number: str
    reason: str | None = None


@dataclass
class Corrections:
    """What a person asked to replace and to void, by our number. `done` as found."""

    replace: Mapping[str, Original] = field(default_factory=dict)
    void: Mapping[str, Original] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


def corrections(replace: Sequence[str], void: Sequence[str]) -> Corrections:
    """From CLM01, CLM01=ICN or CLM01=ICN,REASON, each once."""
    found = Corrections(_pairs(replace, "--replace"), _pairs(void, "--void"))
    both = set(found.replace) & set(found.void)
    if both:
        raise ConfigurationError(
            f"{', '.join(sorted(both))}: replace a claim or void it, not both."
        )
    return found


def _pairs(texts: Sequence[str], option: str) -> dict[str, Original]:
    found: dict[str, Original] = {}
    for text in texts:
        head, _, reason = (part.strip() for part in text.partition(","))
        number, named, original = (part.strip() for part in head.partition("="))
        if not number or (named and not carried(original)) or not _REASON.fullmatch(reason.upper()):
            raise ConfigurationError(
                f"{option} {text}: write our claim number (CLM01), =, and the payer's claim number"
                " (ICN), as its remittance has it, or our number alone where its answer was read;"
                " for Medicare's Part A behind it a comma and the claim change reason, such as D9."
            )
        if number in found:
            raise ConfigurationError(f"{option} names claim {number} twice.")
        found[number] = Original(original, reason.upper() or None)
    return found
