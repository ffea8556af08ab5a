"""The list as data: views, filters in the address, and a row for each line.

Held by tests/contract/test_worklist.py.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends

from integration.store import worklist
from integration.store.worklist import Filters, Row, ViewSums
from integration.wording import amounts, words
from mappings import codes
from mappings.codes.requirement import Owner
from mappings.writing.answers.write_offs import write_off_reasons

VIEWS = (
    ("ready", "Ready to release"),
    ("held-clinician", "Held: clinician"),
    ("held-us", "Held: us"),
    ("waived", "Waived"),
    ("snoozed", "Snoozed"),
    ("released", "Released"),
    ("sent", "Sent"),
    ("denied", "Denied or rejected"),
    ("paid", "Paid"),
    ("written-off", "Written off"),
    ("changed", "Changed after release"),
    ("not-billable", "Not billable"),
    ("all", "All lines"),
)
HELD = ("held-clinician", "held-us", "waived")
EMPTY = {
    "held-clinician": ("No clinician is needed.", "What a chart lacks would be listed here."),
    "held-us": (
        "Nothing is held by the billing office.",
        "Coverage, authorization and place of service are in order.",
    ),
    "waived": ("No waived lines.", "When a clinician waives a requirement, you decide here."),
    "snoozed": ("Nothing is snoozed.", "A snoozed line comes back to its view by itself."),
    "released": ("Nothing has been released yet.", "Release ready lines from the first view."),
    "sent": (
        "No claim waits for its payer.",
        "Claims that were written stand here until they are paid, denied or rejected.",
    ),
    "denied": (
        "No claim was denied or rejected.",
        "What a payer or its front end refuses comes here, as soon as its answer is read.",
    ),
    "paid": (
        "No payment has been read yet.",
        "What payers paid comes here, as soon as their remittances (835) are read.",
    ),
    "written-off": (
        "Nothing is written off.",
        "Denied lines that nobody pursues any further come here, with the reason.",
    ),
    "changed": (
        "No released line has changed since.",
        "If a chart changes after the release, the line comes back here.",
    ),
}
# Views of which nothing, or not everything, can be released.
RELEASED = ("released", "sent", "denied", "paid", "written-off", "changed")
_RELEASABLE = ("ready", "waived")
PAGE = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class ListedLine:
    """One row of the table. `may_release`: with the other of its pair."""

    row: Row
    on: str | None
    text: str
    state: str
    chips: tuple[tuple[str, Owner], ...]
    age: int | None
    days_left: int | None
    worth: str
    payer: str
    patient: str
    link: str
    may_release: bool


@dataclass(frozen=True)
class Active:
    """A filter that is set, in words, and the address without it."""

    says: str
    without: str


@dataclass(frozen=True)
class FilterChoice:
    """A filter to choose from: values with their words; `every` stands for none."""

    name: str
    label: str
    every: str
    options: Sequence[tuple[str, str]]
    chosen: str = ""


def _filters(
    view: str = "ready",
    site: str = "",
    policy: str = "",
    requirement: str = "",
    owner: str = "",
    provider: str = "",
    place: str = "",
    label: str = "",
    since: str = "",
    until: str = "",
    find: str = "",
    changed: str = "",
    sort: str = "worth",
    page: str = "",
) -> Filters:
    """What cannot be read is left out, so that an old bookmark still opens."""
    known = Filters(
        site=site,
        policy=policy,
        requirement=requirement,
        owner=owner,
        provider=provider,
        place=place,
        label=label,
        since=_day(since),
        until=_day(until),
        find=find[:80],
        changed="1" if changed else "",
    )
    return replace(
        known,
        view=view if view in worklist.VIEWS else "ready",
        sort=sort if sort in worklist.ORDER else "worth",
        page=int(page) if PAGE.fullmatch(page) else 1,
    )


Filtered = Annotated[Filters, Depends(_filters)]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def address(filters: Filters, path: str = "/worklist", /, **changes: Any) -> str:
    """The address of a view; what is not set is left out."""
    wanted = {**asdict(filters), **changes}
    kept = {
        key: value
        for key, value in wanted.items()
        if value not in ("", None, asdict(Filters()).get(key))
    }
    return f"{path}?{urlencode(kept)}" if kept else path


def active(filters: Filters, payers: Mapping[str, str]) -> list[Active]:
    """The filters that are set, but for the view, the order and the page."""
    said = {
        "find": f"Find: {filters.find}",
        "since": f"from {words.day(filters.since)}",
        "until": f"to {words.day(filters.until)}",
        "policy": f"Payer: {payers.get(filters.policy, filters.policy)}",
        "requirement": f"Held by: {words.title(filters.requirement)}",
        "owner": f"Owner: {'nobody' if filters.owner == '-' else filters.owner}",
        "provider": f"Provider: {filters.provider}",
        "place": f"Place: {place(filters.place)}",
        "label": f"Label: {filters.label}",
        "site": f"Site: {filters.site}",
        "changed": "changed since yesterday",
    }
    return [
        Active(text, address(filters, "/worklist", **{name: "", "page": 1}))
        for name, text in said.items()
        if getattr(filters, name)
    ]


def parts(
    filters: Filters,
    choices: Mapping[str, Sequence[str]],
    payers: Mapping[str, str],
    sites: Sequence[str],
) -> list[FilterChoice]:
    """The filters that have something to choose."""
    payer_names = [(name, payers.get(name, name)) for name in choices["policy"]]
    held_by = [(name, words.title(name)) for name in choices["requirement"]]
    places = [(name, place(name)) for name in choices["place"]]
    found = [
        FilterChoice("policy", "Payer", "all", payer_names),
        FilterChoice("requirement", "Held by", "anything", held_by),
        FilterChoice("provider", "Provider", "anyone", _themselves(choices["provider"])),
        FilterChoice("place", "Place", "all", places),
        FilterChoice("owner", "Owner", "anyone", [("-", "nobody"), *_themselves(choices["owner"])]),
        FilterChoice("label", "Label", "any or none", _themselves(choices["label"])),
        FilterChoice("site", "Site", "all", _themselves(sites) if len(sites) > 1 else []),
    ]
    return [replace(part, chosen=getattr(filters, part.name)) for part in found if part.options]


def _themselves(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


def place(code: str | None) -> str:
    """`11 office`."""
    known = codes.settings().by_code.get(code or "")
    return f"{code} {known.name}" if known else code or "not known"


def cells(
    rows: Sequence[Row], filters: Filters, today: date, payers: Mapping[str, str]
) -> Iterator[ListedLine]:
    for _, together in groupby(rows, key=lambda row: (row.patient_id, row.pair)):
        pair = list(together)
        free = may_release(pair)
        for row in pair:
            yield _cell(row, filters, today, payers, may_release=free)


def may_release(pair: Iterable[Row]) -> bool:
    """Whether a person can release these lines as they are."""
    return all(row.state in _RELEASABLE and not row.gone_at for row in pair)


def worth(rows: Iterable[Row]) -> amounts.Sum:
    """What lines come to."""
    return sum((amounts.one(row.value, row.payment) for row in rows), amounts.NOTHING)


def _cell(
    row: Row, filters: Filters, today: date, payers: Mapping[str, str], *, may_release: bool
) -> ListedLine:
    line = row.line
    named = row.waits_for or row.waived_for
    chips: list[tuple[str, Owner]] = [(words.reason(name), words.owner(name)) for name in named]
    # In a narrow column the first is seen alone: the one that whoever works this view settles.
    chips.sort(key=lambda chip: (chip[1] == "billing") != (filters.view == "held-us"))
    chips += [(code, "billing") for code in row.denied_for]
    if row.is_written_off:
        chips.append((write_off_reasons()[row.written_off or ""], "billing"))
    return ListedLine(
        row=row,
        on=line.given_on,
        text=line.text,
        state=row.state,
        chips=tuple(chips),
        age=(today - row.service_date).days if row.service_date else None,
        days_left=days_left(row, today),
        worth=amounts.worth(line) or "not billed",
        payer=payers.get(row.policy or "", row.policy or "not known"),
        patient=row.name or f"Patient {row.patient}",
        link=address(filters, open=row.key),
        may_release=may_release,
    )


def days_left(row: Row, today: date) -> int | None:
    """Until the payer takes the claim no more; None where it is not known, or no claim is due."""
    line = row.line
    is_due = row.released_at is None or row.sent_state == "rejected"
    due = line.file_by if is_due and line.status != "not-billable" else None
    return (date.fromisoformat(due) - today).days if due else None


def amount(sums: ViewSums) -> str:
    """What the lines of a view are worth."""
    return amounts.amount(amounts.Sum(sums.count, sums.money, sums.charges, sums.unpriced))


def empty(filters: Filters, counts: Mapping[str, int], *, filtered: bool) -> tuple[str, str]:
    """What stands in the place of the list. That nothing waits is said only where nothing does."""
    if filtered:
        return "No line matches these filters.", "Loosen them, or clear them all."
    if filters.view != "ready":
        return EMPTY.get(filters.view, ("No line matches.", "Widen the filters."))
    held = {name: counts[name] for name in HELD if counts[name]}
    if not held:
        return (
            "Nothing is waiting for you.",
            "Lines appear here as soon as their charts are complete.",
        )
    titles = dict(VIEWS)
    waits = words.joined([f"{titles[name]}: {count}" for name, count in held.items()])
    return "Nothing is ready to release.", f"Lines are held, though. {waits}."
