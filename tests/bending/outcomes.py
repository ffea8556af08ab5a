"""Each element of the table bent in each complete chart: does a line stay ready?"""

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests import builders
from tests.bending.bends import BENDS, Bend
from tests.bending.charts import charts
from tests.builders import Resource

FOLDER = Path(__file__).parent
FAULTS = FOLDER / "known_faults.yaml"


class Row(NamedTuple):
    """An element of the table. READY: bend (or `any`) → why a line may stay ready."""

    path: str
    form: str | None
    value: Any
    ready: dict[str, str]
    never: list[str]
    unbent: str | None

    def reason(self, bend: str) -> str | None:
        """Why a line may stay ready; None where it may not."""
        if bend in self.never:
            return None
        return self.ready.get(bend) or self.ready.get("any") or understood().get(bend)

    @property
    def bends(self) -> dict[str, Bend]:
        return dict(BENDS[self.form]) if self.form else {}


@cache
def table() -> dict[str, Row]:
    """Path → row."""
    return {row.path: row for row in _rows()}


def _rows() -> Iterator[Row]:
    for kind, elements in _elements().items():
        for name, row in elements.items() if kind not in ("anywhere", "understood") else ():
            assert set(row) <= {"as", "value", "ready", "never", "unbent"}, (kind, name)
            more = (row.get("ready", {}), row.get("never", []), row.get("unbent"))
            yield Row(f"{kind}.{name}", row.get("as"), row.get("value"), *more)


def anywhere() -> dict[str, str]:
    """Elements of every resource that say nothing about a line → why."""
    found: dict[str, str] = _elements()["anywhere"]
    return found


def understood() -> dict[str, str]:
    """Bends that change no meaning → why."""
    found: dict[str, str] = _elements()["understood"]
    return found


@cache
def _elements() -> dict[str, Any]:
    return dict(_read("elements.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


@cache
def known_faults() -> dict[str, list[str]]:
    """Path → the bends that leave a line ready and must not."""
    return yaml.safe_load(FAULTS.read_text("utf-8")) or {}


def write_faults(faults: dict[str, list[str]]) -> None:
    head = "# Bends that leave a line ready, and must not yet be. What passes leaves this list.\n"
    rows = [f"{path}: [{', '.join(faults[path])}]\n" for path in sorted(faults)]
    FAULTS.write_text(head + "".join(rows), encoding="utf-8")


def faults(row: Row, found: dict[str, list[str]]) -> list[str]:
    """The bends that leave a line ready without a reason."""
    return [bend for bend, ready in found.items() if ready and not row.reason(bend)]


def outcome(row: Row) -> dict[str, list[str]]:
    """Bend → the charts in which a line stays ready; the bends that could be tried only."""
    found: dict[str, list[str]] = {}
    for name in charts():
        for bend, change in row.bends.items():
            bent = _bent(name, row, change)
            if bent is not None:
                found.setdefault(bend, [])
                found[bend] += [name] if _is_ready(bent, name) else []
    return found


def _is_ready(resources: list[Resource], name: str) -> bool:
    document = builders.document_of(resources, site=charts()[name][1])
    return any(line.status == "ready" for patient in document.patients for line in patient.lines)


def _bent(name: str, row: Row, change: Bend) -> list[Resource] | None:
    """The chart with the element bent in every resource of its type; None where it has none."""
    kind, *steps = row.path.split(".")
    resources = charts()[name][0]
    found = [
        _changed(item, steps, row.value, change) if item["resourceType"] == kind else None
        for item in resources
    ]
    if not any(found):
        return None
    return [new or old for new, old in zip(found, resources, strict=True)]


def beside(resource: Resource, row: Row, change: Bend) -> Resource | None:
    """A newer copy of a result with the element bent; None for another resource, or one without the
    element."""
    kind, *steps = row.path.split(".")
    if resource["resourceType"] != kind:
        return None
    newer = {**resource, "id": f"{resource['id']}-newer", "effectiveDateTime": "2026-10-20"}
    return _changed(newer, steps, row.value, change)


def _changed(resource: Resource, steps: list[str], value: Any, change: Bend) -> Resource | None:
    """The resource with one element changed, or VALUE changed and put in; None where there is
    neither."""
    copied = copy.deepcopy(resource)
    holders = list(_holders(copied, steps[:-1]))
    changed = False
    for holder in holders:
        stands = holder.get(steps[-1], value)
        if stands is not None:
            holder[steps[-1]] = change(copy.deepcopy(stands))
            changed = True
    return copied if changed else None


def _holders(element: Any, steps: list[str]) -> Iterator[Resource]:
    """The objects that hold, or may hold, the last step of a path."""
    for item in element if isinstance(element, list) else [element]:
        if not isinstance(item, dict):
            continue
        if not steps:
            yield item
        elif steps[0] in item:
            yield from _holders(item[steps[0]], steps[1:])
