"""R10: one small function per requirement; each says for one administration what it finds, or
that it is not asked. A function has the name of its row in `requirements.yaml`.

A requirement that stands in the table without a function here is decided as *no*: it holds the line
(`not-yet-decided`).

Held by tests/unit/test_requirements_table.py.
"""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import isfunction, signature
from itertools import chain
from types import ModuleType

from mappings import codes
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.requirement import RequirementTable
from mappings.requirements import claim, labs, safety
from mappings.requirements.chart import (
    anemia_link,
    iron_deficiency,
    kidney,
    oral_iron,
    progress_note,
    treatment_plan,
)
from mappings.requirements.payer import authorization, coverage, filing, place, products
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity

Check = Callable[[Charge, Neighbors], Result | None]

WRITTEN_IN = (
    claim, labs, safety,
    anemia_link, iron_deficiency, kidney, oral_iron, progress_note, treatment_plan,
    authorization, coverage, filing, place, products,
)  # fmt: skip


def check_of(requirement: str) -> Check | None:
    """The function that decides a requirement; None where nothing does."""
    return _functions().get(requirement)


def undecided() -> list[str]:
    """Requirements of the table that nothing decides yet: each holds every line."""
    return _undecided(codes.requirement_table())


@by_identity
def _undecided(table: RequirementTable) -> list[str]:
    return [
        requirement.id for requirement in table.requirements if check_of(requirement.id) is None
    ]


@cache
def _functions() -> dict[str, Check]:
    found = chain.from_iterable(map(_public, WRITTEN_IN))
    return {name.replace("_", "-"): function for name, function in found}


def _public(module: ModuleType) -> Iterator[tuple[str, Check]]:
    """The module's own public functions that give a result."""
    for name, found in vars(module).items():
        if name.startswith("_") or not isfunction(found) or found.__module__ != module.__name__:
            continue
        form = signature(found)
        if form.return_annotation in (Result, Result | None):
            yield name, found if len(form.parameters) > 1 else _alone(found)


def _alone(check: Callable[[Charge], Result | None]) -> Check:
    """A check that asks nothing of the patient's other doses."""
    return lambda charge, _: check(charge)
