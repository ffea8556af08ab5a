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
    x12_lists,
)
from mappings.codes.published.form import (
    MOST_NOTES,
    Form,
    Known,
    ListedProduct,
    NotUnderstood,
    Reading,
    Sheet,
    Table,
    named_days,
    plain,
    said_days,
)
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import OwnRows, Published
from mappings.values.stated import only

__all__ = ["Import", "Known", "NotUnderstood", "Sheet", "read", "recognized"]

FORMS = (
    asp_pricing.FORM,
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


class Import(Struct, frozen=True):
    """What a sheet became: the rows with their `published` head, or why not (`refused`).

    With neither it is something else that came in one file with tables of ours.
    """

    where: str
    form: Form | None
    rows: OwnRows | None = None
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def read(sheets: Sequence[Sheet], known: Known, asked: date | None) -> list[Import]:
    """Each sheet by itself; products and packages of the NDC directory together. `asked`: the
    quarter that a person names."""
    aside = [Import(sheet.where, None) for sheet in sheets if asp_pricing.is_of_no_code(sheet)]
    headed = [
        (sheet, recognized(sheet))
        for sheet in sheets
        if not (asc_addenda.is_other_addendum(sheet) or asp_pricing.is_of_no_code(sheet))
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
        *aside,
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
            return only(heads)
    return None


_NONE = "not one of the files that are read here ({})".format(
    "; ".join(sorted(form.title for form in (*FORMS, icd10cm.FORM)))
)


def _nearly(sheet: Sheet) -> str | None:
    """Which form a sheet of other columns is nearest to, and what it lacks; None where none is
    near."""
    near: list[tuple[int, Form, list[str]]] = []
    for row in sheet.rows[:MOST_NOTES]:
        titles = [plain(cell) for cell in row if cell.strip()]
        for form in FORMS:
            lacks = [
                wanted
                for wanted in form.columns.values()
                if not any(re.fullmatch(wanted, title) for title in titles)
            ]
            has = len(form.columns) - len(lacks)
            if has > max(1, len(lacks)):
                near.append((has - len(lacks), form, lacks))
    if not near:
        return None
    _, form, lacks = max(near, key=lambda found: found[0])
    columns = ", ".join(re.sub(r"[^a-z0-9 ]+", " ", wanted).strip() for wanted in lacks)
    other = f"without a column such as {columns}" if lacks else "with columns of another file, too"
    return f"nearly {form.title}, {other}: it may have changed, and is not read like that"


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
        return _refused(sheet, None, _nearly(sheet) or _NONE)
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
    rows = structs.replace(taken.rows, published=published)
    return Import(sheet.where, head[0], rows, taken.left_out, taken.remarks)


def _refused(sheet: Sheet, form: Form | None, said: str) -> Import:
    return Import(sheet.where, form, refused=(f"{sheet.where}: {said}",))


def _table(sheet: Sheet, head: Head, asked: date | None) -> Table:
    form, header, places = head
    if sheet.damage:
        raise NotUnderstood(f"{sheet.where}: {sheet.damage}")
    day = _day(sheet, form, list(_notes(sheet, header)) if form.dated else [], asked)
    return Table(sheet=sheet, form=form, header=header, places=places, day=day)


def _day(sheet: Sheet, form: Form, notes: Sequence[str], asked: date | None) -> date:
    """From when a file holds: as it says, else as a person does where its name says nothing
    else."""
    said, named = said_days(notes), named_days(sheet.where)
    if asked is None and len(said) == 1:
        return said[0]
    known, where = (said, "it is") if said else (named, "by its name it is")
    of = " or ".join(map(quarter_name, known))
    if asked and known and asked not in known:
        told = f"{where} of {of}, and --quarter says {quarter_name(asked)}"
    elif asked:
        return asked
    elif said:
        told = f"its notes speak of {of}: add --quarter with the one that is meant"
    else:
        likely = f"{quarter_name(known[0])}, as its name says" if known else "2026Q4"
        wanted = f"add --quarter, such as {likely}"
        wanted = f"add --quarter, such as {likely}"
        told = f"{form.title}: the file does not say from when it holds: {wanted}"
    raise NotUnderstood(f"{sheet.where}: {told}")


def _notes(sheet: Sheet, header: int) -> Iterator[str]:
    for row in sheet.rows[: header + 1]:
        yield from filter(None, row)
    yield sheet.title
