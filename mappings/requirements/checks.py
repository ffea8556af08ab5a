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
from typing import NamedTuple

from mappings import codes
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


class Check(NamedTuple):
    """What decides a requirement of a dose. `alone`: it asks nothing of the patient's other
    doses."""

    decide: Callable[..., Result | None]
    alone: bool


WRITTEN_IN = (
    claim, labs, safety,
    anemia_link, iron_deficiency, kidney, oral_iron, progress_note, treatment_plan,
    authorization, coverage, filing, place, products,
)  # fmt: skip


def check_of(requirement: str) -> Check | None:
    """What decides a requirement; None where nothing does."""
    return _functions().get(requirement)


@codes.remembered
def undecided() -> list[str]:
    """Requirements of the table that nothing decides yet: each holds every line."""
    return [identity for identity in codes.requirements() if check_of(identity) is None]


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
            yield name, Check(found, alone=len(form.parameters) == 1)
