"""Claims that left before, by the files of the output folder: what we know without a database.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from integration.claims.sent import Earlier, line_key
from integration.errors import ConfigurationError
from mappings.writing.fhir_resending import sent_claims
from mappings.writing.preparing.drafts import Draft
from mappings.writing.preparing.prepared import claim_number
from mappings.writing.x12.reading import NotX12, segments


class FolderBefore:
    """The claim files of a folder. Without a database they are what we know."""

    def __init__(self, folder: Path, site: str) -> None:
        self._folder = folder
        self._claims = list(_earlier(folder, site))
        counting = (one.lines for one in self._claims if one.production)
        self._counting = frozenset(chain.from_iterable(counting))

    def of(self, draft: Draft) -> list[Earlier]:
        wanted, number = {line_key(line.id) for line in draft.lines}, claim_number(draft.id)
        return [one for one in self._claims if one.number == number or one.lines & wanted]

    def named(self, number: str) -> Earlier | None:
        return next((one for one in self._claims if one.number == number), None)

    def has(self, line_id: str) -> bool:
        """Whether the line left in a claim that counts and stands."""
        return line_key(line_id) in self._counting

    def content(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()


@dataclass(frozen=True)
class _Found:
    claim: Earlier
    voids: bool
    replaces: bool


def _earlier(folder: Path, site: str) -> Iterator[Earlier]:
    """Newest first. A void takes its claim away, a replacement stands for it."""
    gone: set[str] = set()
    for path in sorted(folder.glob(f"{site}_*"), reverse=True):
        for found in _claims_of(path):
            lines = found.claim.lines
            if not found.voids and not lines & gone:
                yield found.claim
            if found.voids or found.replaces:
                gone |= lines


def _claims_of(path: Path) -> Iterator[_Found]:
    try:
        if path.suffix == ".x12":
            yield from _of_x12(path)
        elif path.name.endswith("_claims.json"):
            yield from _of_fhir(path)
    except (NotX12, IndexError, ValueError):
        raise ConfigurationError(
            f"{path} is not a claim file of ours, though its name says so: move it away."
        ) from None


def _of_x12(path: Path) -> Iterator[_Found]:
    number, frequency, original, production = "", "", "", False
    lines: set[str] = set()
    with path.open("rb") as stream:
        for _, segment in segments(stream):
            if segment[0] == "ISA":
                production = segment[15] == "P"
            if segment[0] in ("CLM", "SE", "HL") and number:
                claim = Earlier(number, path.name, production, frozenset(lines))
                yield _Found(claim, frequency == "8", frequency == "7" and bool(original))
                number, original, lines = "", "", set()
            if segment[0] == "CLM":
                number, frequency = segment[1], segment[5].rpartition(":")[2]
            elif segment[:2] == ("REF", "F8"):
                original = segment[2]
            elif segment[:2] == ("REF", "6R"):
                lines.add(segment[2].partition("-")[0])


def _of_fhir(path: Path) -> Iterator[_Found]:
    for sent in sent_claims(path.read_bytes()):
        lines = frozenset(map(line_key, sent.lines))
        claim = Earlier(sent.number, path.name, sent.active, lines)
        yield _Found(claim, sent.canceled, sent.replaces and not sent.canceled)
