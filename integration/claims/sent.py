"""Claims that left before, for those that replace or void them: from the database, or from the
files of the output folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Protocol

from integration.errors import ConfigurationError
from integration.store import Db, claims
from mappings.writing.form837.resending import Resent, voided
from mappings.writing.preparing.prepared import Claim
from mappings.writing.x12.reading import NotX12, segments
from mappings.writing.x12.segments import carried


@dataclass(frozen=True)
class Earlier:
    """A claim that left: its number, the file it left in, and the lines it carried, by the ids that
    a claim gives them (REF*6R)."""

    number: str
    file: str
    production: bool
    lines: frozenset[str]
    id: int | None = None


class Before(Protocol):
    """What left before this run."""

    def of(self, claim: Claim) -> list[Earlier]:
        """Claims with a line of this one, or its number; newest first."""

    def named(self, number: str) -> Earlier | None:
        """The newest claim of that number."""

    def content(self, file: str) -> bytes:
        """A file as it left."""


class FolderBefore:
    """The claim files of a folder. Without a database they are what we know."""

    def __init__(self, folder: Path, site: str) -> None:
        self._folder = folder
        self._claims = list(_earlier(folder, site))

    def of(self, claim: Claim) -> list[Earlier]:
        wanted = {line_key(line.id) for line in claim.draft.lines}
        return [one for one in self._claims if one.number == claim.number or one.lines & wanted]

    def named(self, number: str) -> Earlier | None:
        return next((one for one in self._claims if one.number == number), None)

    def content(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()


def line_key(line_id: str) -> str:
    """As REF*6R begins."""
    return line_id[:24].upper()


def _earlier(folder: Path, site: str) -> Iterator[Earlier]:
    """Newest first. A void takes its claim away, a replacement stands for it."""
    gone: set[str] = set()
    for path in sorted(folder.glob(f"{site}_*.x12"), reverse=True):
        for one, frequency, original in _claims_of(path):
            if frequency == "8":
                gone |= one.lines
            elif not (one.lines & gone):
                yield one
            if frequency == "7" and original:
                gone |= one.lines


def _claims_of(path: Path) -> Iterator[tuple[Earlier, str, str]]:
    number, frequency, original, production = "", "", "", False
    lines: set[str] = set()
    with path.open("rb") as stream:
        try:
            for _, row in segments(stream):
                if row[0] == "ISA":
                    production = row[15] == "P"
                if row[0] in ("CLM", "SE", "HL") and number:
                    found = Earlier(number, path.name, production, frozenset(lines))
                    yield found, frequency, original
                    number, original, lines = "", "", set()
                if row[0] == "CLM":
                    number, frequency = row[1], row[5].rpartition(":")[2]
                elif row[:2] == ("REF", "F8"):
                    original = row[2]
                elif row[:2] == ("REF", "6R"):
                    lines.add(row[2].partition("-")[0])
        except (NotX12, IndexError):
            raise ConfigurationError(
                f"{path} is no claim file of ours, though its name says so: move it away."
            ) from None


class StoredBefore:
    """The claims of the database, of one site."""

    def __init__(self, db: Db, site: str, patients: Mapping[str, int]) -> None:
        self._db, self._site, self._patients = db, site, patients

    def of(self, claim: Claim) -> list[Earlier]:
        patient = self._patients.get(claim.draft.patient)
        if patient is None:
            return []
        lines = [line.id for line in claim.draft.lines]
        found = claims.of_lines(self._db, patient, lines)
        return [_earlier_of(one) for one in found]

    def named(self, number: str) -> Earlier | None:
        found = claims.by_number(self._db, self._site, number)
        return _earlier_of(found) if found else None

    def content(self, file: str) -> bytes:
        kept = claims.content(self._db, file, [self._site])
        return kept.content if kept else b""


def _earlier_of(sent: claims.Sent) -> Earlier:
    lines = frozenset(line_key(line) for line in sent.lines)
    return Earlier(sent.number, sent.file, sent.production, lines, sent.id)


@dataclass
class Corrections:
    """What a person asked to replace and to void: the payer's number by ours. `done` as found."""

    replace: Mapping[str, str] = field(default_factory=dict)
    void: Mapping[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


def corrections(replace: Sequence[str], void: Sequence[str]) -> Corrections:
    """From CLM01=ICN, each once."""
    found = Corrections(_pairs(replace, "--replace"), _pairs(void, "--void"))
    both = set(found.replace) & set(found.void)
    if both:
        raise ConfigurationError(
            f"{', '.join(sorted(both))}: replace a claim or void it, not both."
        )
    return found


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        number, _, original = (part.strip() for part in text.partition("="))
        if not number or not carried(original):
            raise ConfigurationError(
                f"{option} {text}: write our claim number (CLM01), =, and the payer's claim number"
                " (ICN), as its remittance has it."
            )
        if number in found:
            raise ConfigurationError(f"{option} names claim {number} twice.")
        found[number] = original
    return found


def void_of(before: Before, number: str, original: str) -> tuple[Resent, Earlier]:
    """The void of an earlier claim."""
    earlier = before.named(number)
    if earlier is None:
        raise ConfigurationError(
            f"Claim {number} is not voided: none of that number left from here."
        )
    resent = voided(segments(BytesIO(before.content(earlier.file))), number, original)
    if resent is None:
        raise ConfigurationError(f"Claim {number} is not voided: it left in no 837.")
    return resent, earlier
