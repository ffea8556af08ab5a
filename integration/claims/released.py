"""Which lines were released: the worklist's CSV, or one line id a row.

Held by tests/contract/test_claims_sent.py.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.errors import ConfigurationError
from mappings.assessment import ClaimLine
from mappings.writing.preparing.prepare import LeftOut

_LINE = "line id"
_RELEASED = ("released", "sent", "rejected", "denied", "paid")


@dataclass(frozen=True)
class Released:
    """A line as it was released, as far as the file says: `what` is code and modifiers. `reason`:
    why it goes all the same."""

    line: str
    reason: str | None = None
    what: str | None = None
    units: str | None = None
    day: str | None = None

    def differs(self, line: ClaimLine) -> list[str]:
        """How a line is another than the released one."""
        now = {
            "code and modifiers": (self.what, " ".join([line.code, *line.modifiers])),
            "units": (self.units, str(line.units)),
            "service date": (self.day, line.service_date or ""),
        }
        return [
            f"{name} {before} became {after}"
            for name, (before, after) in now.items()
            if before is not None and before != after
        ]


def read(path: Path) -> dict[str, Released]:
    """By line id. ConfigurationError where the file has none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"Cannot read {path}: {why}.") from None
    first = next(iter(text.splitlines()), "")
    found = _of_worklist(text) if "," in first and _LINE in first.lower() else _of_ids(text)
    released = {release.line: release for release in found}
    if not released:
        raise ConfigurationError(
            f"{path} names no released line: give the worklist's CSV of released lines, or one line"
            " id a row."
        )
    return released


def _of_ids(text: str) -> Iterator[Released]:
    for row in csv.reader(io.StringIO(text)):
        cells = [cell.strip() for cell in row]
        if cells and cells[0] and cells[0].lower() not in ("line", _LINE):
            yield Released(cells[0], cells[1] if len(cells) > 1 and cells[1] else None)


def _of_worklist(text: str) -> Iterator[Released]:
    for row in csv.DictReader(io.StringIO(text)):
        cells = {key.strip().lower(): (value or "").strip() for key, value in row.items() if key}
        if cells.get(_LINE) and cells.get("status") in _RELEASED:
            yield Released(
                cells[_LINE],
                cells.get("release reason") or None,
                cells.get("line"),
                cells.get("units"),
                cells.get("service date"),
            )


def chosen(
    patient: str, lines: Sequence[ClaimLine], released: Mapping[str, Released]
) -> tuple[list[ClaimLine], list[LeftOut]]:
    """Of a patient's lines those that may leave, and why released ones may not."""
    pairs: dict[str, list[ClaimLine]] = {}
    for line in lines:
        pairs.setdefault(line.pair, []).append(line)
    leaving: list[ClaimLine] = []
    refused: list[LeftOut] = []
    for pair in pairs.values():
        named = [released[line.id] for line in pair if line.id in released]
        if not named:
            continue
        reasons = list(_against(pair, named))
        if reasons:
            refused.append(LeftOut(patient, tuple(pair), tuple(reasons)))
        else:
            leaving += pair
    return leaving, refused


def _against(pair: Iterable[ClaimLine], named: Sequence[Released]) -> Iterator[str]:
    """A dose and its discard are released together, so naming one names the other."""
    by_id = {release.line: release for release in named}
    reason = next((release.reason for release in named if release.reason), None)
    for line in pair:
        release = by_id.get(line.id)
        changed = release.differs(line) if release else []
        if changed:
            yield f"it changed after it was released ({'; '.join(changed)}): release it again"
        if not line.is_billable:
            yield f"{line.code} is not billable ({', '.join(line.reasons)})"
        elif line.status == "held" and not reason:
            yield (
                f"{line.code} is held by {', '.join(line.reasons)}: a waived line leaves with the"
                " reason of its release"
            )
