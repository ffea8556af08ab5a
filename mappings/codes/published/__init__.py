"""Files as CMS, the FDA, the NCHS and X12 publish them → a site's rows of the code tables. Pure:
who calls has opened the file."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct, structs

from mappings.codes.published import (
    addendum_b,
    asc_addenda,
    asp_pricing,
    crosswalk,
    hcpcs,
    icd10cm,
    mue,
    ndc_directory,
    noc_pricing,
    x12_lists,
)
from mappings.codes.published.form import (
    Form,
    Known,
    ListedProduct,
    NotUnderstood,
    Reading,
    Sheet,
    Table,
    plain,
    said_day,
)
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import OwnRows, Published

__all__ = ["Import", "Known", "NotUnderstood", "Sheet", "read", "recognized"]

FORMS = (
    asp_pricing.FORM,
    noc_pricing.FORM,
    crosswalk.ASP,
    crosswalk.NOC,
    addendum_b.FORM,
    asc_addenda.FORM,
    mue.PRACTITIONER,
    mue.HOSPITAL,
    hcpcs.FORM,
    ndc_directory.PRODUCTS,
    ndc_directory.PACKAGES,
    x12_lists.CARC,
    x12_lists.RARC,
)
# So many rows of notes may stand before the header.
MOST_NOTES = 60


class Import(Struct, frozen=True):
    """What a sheet became: the rows with their `published` head, or why not (`refused`).

    With neither it is something else that came in one file with tables of ours.
    """

    where: str
    form: Form | None
    rows: OwnRows | None = None
    left_out: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def read(sheets: Sequence[Sheet], known: Known, asked: date | None) -> list[Import]:
    """Each sheet by itself; products and packages of the NDC directory together. `asked`: the
    quarter that a person names."""
    headed = [
        (sheet, recognized(sheet)) for sheet in sheets if not asc_addenda.is_other_addendum(sheet)
    ]
    lists = [(sheet, head) for sheet, head in headed if head and head[0] is ndc_directory.PRODUCTS]
    others = [
        (sheet, head) for sheet, head in headed if not (head and head[0] is ndc_directory.PRODUCTS)
    ]
    known, refused = _with_products(lists, known, asked)
    if lists and not any(head and head[0] is ndc_directory.PACKAGES for _, head in others):
        refused += [
            _refused(sheet, head[0], "it lists no packages: import package.txt together with it")
            for sheet, head in lists
        ]
    ours = {sheet.among for sheet, head in headed if head and sheet.among}
    return [
        *refused,
        *(_one(sheet, head, known, asked, beside=sheet.among in ours) for sheet, head in others),
    ]


Head = tuple[Form, int, tuple[int, ...]]


def recognized(sheet: Sheet) -> Head | None:
    """The form of a sheet, its header's row, and the places of the wanted columns; None for what is
    no form of ours, or of two."""
    if sheet.rows and len(sheet.rows[0]) == 1 and icd10cm.LINE.fullmatch(sheet.rows[0][0]):
        return icd10cm.FORM, -1, (0,)
    for number, row in enumerate(sheet.rows[:MOST_NOTES]):
        titles = [plain(cell) for cell in row]
        after = next(
            (cells[0].strip() for cells in sheet.rows[number + 1 : number + 2] if cells), ""
        )
        heads = [
            (form, number, places)
            for form in FORMS
            if (places := _places(form, titles)) and re.fullmatch(form.first or ".*", after)
        ]
        if heads:
            return heads[0] if len(heads) == 1 else None
    return None


def _places(form: Form, titles: Sequence[str]) -> tuple[int, ...] | None:
    if any(re.fullmatch(form.without, title) for title in titles):
        return None
    found = [
        next((place for place, title in enumerate(titles) if re.fullmatch(wanted, title)), None)
        for wanted in form.columns.values()
    ]
    places = tuple(place for place in found if place is not None)
    return places if len(places) == len(found) else None


def _with_products(
    lists: Sequence[tuple[Sheet, Head]], known: Known, asked: date | None
) -> tuple[Known, list[Import]]:
    """With the products of these lists, and which of them are not understood."""
    listed: dict[str, ListedProduct] = {}
    refused: list[Import] = []
    for sheet, head in lists:
        try:
            listed |= ndc_directory.products(Reading(_table(sheet, head, asked)), known)
        except NotUnderstood as problem:
            refused.append(Import(sheet.where, head[0], refused=problem.every))
    return structs.replace(known, listed=listed), refused


def _one(sheet: Sheet, head: Head | None, known: Known, asked: date | None, beside: bool) -> Import:
    """`beside`: it came with tables of ours."""
    if head is None and beside:
        return Import(sheet.where, None)
    if head is None and sheet.damage:
        return _refused(sheet, None, sheet.damage)
    if head is None:
        return _refused(
            sheet,
            None,
            "not one of the files that are read here"
            f" ({', '.join(sorted(form.title for form in (*FORMS, icd10cm.FORM)))})",
        )
    try:
        table = _table(sheet, head, asked)
        taken = table.form.read(Reading(table), known)
    except NotUnderstood as problem:
        return Import(sheet.where, head[0], refused=problem.every)
    published = Published(
        kind=table.form.kind,
        start=table.day,
        file=sheet.where,
        read=taken.read,
        kept=taken.rows.count,
    )
    return Import(
        sheet.where, head[0], structs.replace(taken.rows, published=published), taken.left_out
    )


def _refused(sheet: Sheet, form: Form | None, said: str) -> Import:
    return Import(sheet.where, form, refused=(f"{sheet.where}: {said}",))


def _table(sheet: Sheet, head: Head, asked: date | None) -> Table:
    form, header, places = head
    if sheet.damage:
        raise NotUnderstood(f"{sheet.where}: {sheet.damage}")
    day = said_day(_notes(sheet, header)) if form.dated else None
    if day and asked and day != asked:
        raise NotUnderstood(
            f"{sheet.where}: it is of {quarter_name(day)}, and --quarter says {quarter_name(asked)}"
        )
    start = day or asked
    if start is None:
        raise NotUnderstood(
            f"{sheet.where}: {form.title}: the file does not say from when it holds: add --quarter,"
            " such as 2026Q4"
        )
    return Table(sheet=sheet, form=form, header=header, places=places, day=start)


def _notes(sheet: Sheet, header: int) -> Iterator[str]:
    for row in sheet.rows[: header + 1]:
        yield from filter(None, row)
    yield sheet.title
