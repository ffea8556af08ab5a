"""Saved pages of searches: whether all that a search found is here.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem


class Page(Struct, frozen=True):
    """`matches` and `entries` by name; `own` and `onward`: this page's address, the next one's."""

    where: str
    kinds: frozenset[str]
    matches: frozenset[str]
    entries: frozenset[str]
    total: int | None
    own: str | None
    onward: str | None


def page(bundle: Resource, where: str) -> Page | None:
    """Of a searchset; None of any other Bundle."""
    if bundle.get("type") != "searchset":
        return None
    total = elements.whole(bundle.get("total"))
    matches, entries = _counts(bundle, where) if total is not None else (set(), set())
    return Page(
        where,
        frozenset(name.partition("/")[0] for name in matches),
        frozenset(matches),
        frozenset(entries),
        total,
        _link(bundle, "self"),
        _link(bundle, "next"),
    )


def _counts(bundle: Resource, where: str) -> tuple[set[str], set[str]]:
    """The matches by name, and with them what was included."""
    matches, entries = set(), set()
    for number, entry in enumerate(elements.items(bundle.get("entry"))):
        resource = elements.mapping(entry.get("resource"))
        kind = resource.get("resourceType")
        if kind is None or kind == "OperationOutcome":
            continue
        name = f"{kind}/{resource.get('id') or f'{where} {number}'}"
        entries.add(name)
        if elements.mapping(entry.get("search")).get("mode") != "include":
            matches.add(name)
    return matches, entries


def short(pages: Iterable[Page]) -> Iterator[Problem]:
    """What says that there is more than is here."""
    searches: dict[Any, list[Page]] = {}
    listed = list(pages)
    here = {page.own for page in listed}
    for page in listed:
        if page.total is None:
            yield from [_goes_on(page)] if page.onward and page.onward not in here else []
        elif len(page.matches) < page.total:
            searches.setdefault((page.total, page.kinds), []).append(page)
    for (total, _), search in searches.items():
        yield from _counted(search, total)


def _counted(search: list[Page], total: int) -> Iterator[Problem]:
    """Of pages of one total and kind: as many searches as there are last pages. Some servers count
    what they included, too."""
    searches = max(1, len([page for page in search if page.onward is None]))
    matches = frozenset[str]().union(*(page.matches for page in search))
    entries = frozenset[str]().union(*(page.entries for page in search))
    if len(matches) >= total * searches or len(entries) == total * searches:
        return
    for page in search:
        what = f"its search found {total} and {len(matches)} are here"
        yield Problem(page.where, f"{what}, so something was left out: export all of its pages")


def _goes_on(page: Page) -> Problem:
    return Problem(
        page.where, "goes on with a next page that is not here: export all pages of the search"
    )


def _link(bundle: Resource, relation: str) -> str | None:
    return next(
        (
            elements.text(link.get("url")) or None
            for link in elements.items(bundle.get("link"))
            if link.get("relation") == relation
        ),
        None,
    )
