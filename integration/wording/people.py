"""A person's name for people at a screen or a list; never for logs.

Held by tests/unit/test_files.py.
"""

from collections.abc import Iterable
from typing import Any

from mappings.reading import people
from mappings.record import Name

Resource = dict[str, Any]


def in_lists(person: Resource) -> str:
    """`Sampleton, Ada`, as staff look people up; the name as a text where there is no more of it,
    else nothing."""
    found = people.name(person)
    return family_first(found) if found else _text(person)


def family_first(name: Name) -> str:
    return ", ".join(filter(None, (name.family, _given(name))))


def as_called(person: Resource) -> str:
    """`Ada Sampleton`."""
    found = people.name(person)
    return f"{_given(found)} {found.family}".strip() if found else _text(person)


def by_reference(persons: Iterable[Resource | None]) -> dict[str, str]:
    """`Patient/p1` → `Ada Sampleton`, of those that have a name."""
    called = ((f"Patient/{one['id']}", as_called(one)) for one in persons if one and "id" in one)
    return {reference: name for reference, name in called if name}


def _given(name: Name) -> str:
    return " ".join(filter(None, (name.given, name.middle)))


def _text(person: Resource) -> str:
    names = [name for name in person.get("name") or [] if isinstance(name, dict)]
    return next((str(name["text"]) for name in names if name.get("text")), "")
