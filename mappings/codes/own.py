"""A site's own rows, read and laid beside and over the built-in tables: by date, so that past days
keep the rows of their time.

Held by tests/unit/test_own_codes.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Meta, structs

from mappings.codes.clinical import DatedDiagnosis, Diagnoses
from mappings.codes.code_tables import CodeTables, built_in
from mappings.codes.quarters import quarter_start
from mappings.codes.rows import (
    OwnCode,
    OwnDiagnosis,
    OwnLimits,
    OwnPackage,
    OwnRows,
    Release,
)
from mappings.codes.tables import (
    BillingCode,
    Dated,
    Family,
    Modifier,
    Opps,
    OppsStatus,
    Package,
    PackageTable,
    Payment,
    PaymentLimits,
    Products,
)
from mappings.datafiles import loading
from mappings.datafiles.checking import too_small
from mappings.datafiles.error import DataFileError


def files_in(folder: Path) -> list[Path]:
    """The files of a code_dir in order; DataFileError where it is no folder. An empty one is fine:
    nothing is imported yet."""
    return loading.data_files_in(folder, "of code tables")


def load(folder: Path | None) -> CodeTables:
    """The built-in tables with the rows of a site's folder; DataFileError on any mistake."""
    return with_own(loading.texts_of(files_in(folder))) if folder else built_in()


def read(text: str, where: str) -> OwnRows:
    """One file, checked by itself; DataFileError with every mistake."""
    return loading.structure(text, where, OwnRows, _check, built_in().digest)


def with_own(texts: Mapping[str, str]) -> CodeTables:
    """The built-in tables with a site's rows, by file name; DataFileError with every mistake of
    every file."""
    files, mistakes = loading.each(texts, read)
    for where, path, said in chain(disagreements(files), _strangers(files)):
        mistakes.append(f"{where}:{loading.line_of(texts[where], path)}: {said}")
    if mistakes:
        raise DataFileError(*mistakes)
    return merged(files.values()) if files else built_in()


def _check(value: object, metas: tuple[Meta, ...]) -> Iterable[tuple[str, str]]:
    for meta in metas:
        yield from (("", said) for said in too_small(value, meta.extra_json_schema or {}))
    if isinstance(value, Dated):
        yield from value.refused()
    if isinstance(value, OwnPackage | OwnCode):
        yield from _family_of(value)
    for form, look in _LOOKS.items():
        if isinstance(value, form):
            yield from look(value)


def _limits(row: OwnLimits) -> Iterator[tuple[str, str]]:
    begins = quarter_start(row.quarter)
    if begins is None:
        yield "quarter", f"{row.quarter!r} is not a quarter such as 2026Q4"
    elif begins != row.start:
        yield "from", f"{row.quarter} begins on {begins}, not on {row.start}"


def _family_of(row: OwnPackage | OwnCode) -> Iterator[tuple[str, str]]:
    known = built_in().families
    if row.family not in known:
        yield "family", f"unknown family {row.family!r} (known: {', '.join(known)})"


def _package(row: OwnPackage) -> Iterator[tuple[str, str]]:
    tables = built_in()
    known = tables.packages.get(row.ndc)
    if known and known.family != row.family:
        yield "family", f"{row.ndc} is an NDC of {known.family} ({known.label})"
    if any(row.ndc[:9] == other.product for other in tables.package_table.not_billable):
        yield "ndc", f"{row.ndc} is the NDC of no drug that is billed: correct it"
    family = built_in().families.get(row.family)
    strength = family.strength_mg_per_ml if family else None
    if not row.fits(strength):
        said = (
            f"{row.mg} mg in {row.ml} mL, and the label of {row.family} has {strength} mg in 1 mL"
        )
        yield "mg", said


def _code(row: OwnCode) -> Iterator[tuple[str, str]]:
    family, unit = built_in().billing_codes.get(row.code, (row.family, row.mg_per_unit))
    if family != row.family:
        yield "family", f"{row.code} is a code of {family}"
    if unit != row.mg_per_unit:
        yield "mg_per_unit", f"the unit of {row.code} is {unit} mg: a new unit has a new code"
    known = built_in().families.get(row.family)
    beside = [code for code in known.codes if code.meets(row.start, row.end)] if known else []
    uses = {code.use for code in beside if code.use}
    is_new = row.code not in built_in().billing_codes
    if is_new and uses and row.use not in uses:
        yield "use", f"say of which use it is: {', '.join(sorted(uses))}"


def _groups(row: OwnDiagnosis) -> Iterator[tuple[str, str]]:
    known = built_in().diagnoses.icd10.groups
    for name in (name for name in row.groups if name not in known):
        yield "groups", f"unknown group {name!r} (known: {', '.join(known)})"


_LOOKS: dict[type, Callable[[Any], Iterator[tuple[str, str]]]] = {
    OwnLimits: _limits,
    OwnPackage: _package,
    OwnCode: _code,
    OwnDiagnosis: _groups,
}


# What two files say of the same thing: the thing, what is said, and where.
_Said = tuple[tuple[object, ...], object, str]


def _statements(rows: OwnRows) -> Iterator[_Said]:
    for number, limits in enumerate(rows.limits):
        for code, limit in limits.limit.items():
            yield ("payment limit", code, limits.quarter), limit, f"$.limits[{number}].limit.{code}"
    for name in ("opps", "asc"):
        for number, release in enumerate(getattr(rows, name)):
            for code, status in release.status.items():
                yield (
                    (f"{name.upper()} status", code, release.start),
                    status,
                    f"$.{name}[{number}].status.{code}",
                )
    for number, row in enumerate(rows.packages):
        yield (
            ("package", row.ndc),
            f"{row.mg} mg in {row.ml} mL of {row.family}",
            f"$.packages[{number}]",
        )
    for number, most in enumerate(rows.units_per_day):
        for code, units in most.units.items():
            yield (
                ("units per day", code, most.claim, most.start),
                units,
                f"$.units_per_day[{number}].units.{code}",
            )


def disagreements(files: Mapping[str, OwnRows]) -> Iterator[tuple[str, str, str]]:
    """File, path in it and what is wrong, for each thing of which two files say different
    things."""
    known: dict[tuple[object, ...], tuple[object, str]] = {}
    for where, rows in files.items():
        for thing, said, path in _statements(rows):
            before, other = known.setdefault(thing, (said, where))
            if not _same(said, before):
                name, *of = thing
                what = " ".join(str(part) for part in of)
                yield (
                    where,
                    path,
                    (
                        f"{name} {what} is {said} here and {before} in {other}: delete the row that"
                        " is wrong"
                    ),
                )


def _strangers(files: Mapping[str, OwnRows]) -> Iterator[tuple[str, str, str]]:
    """What is said of a code that no iron has, in the tables or in one of the files."""
    own = chain.from_iterable(rows.codes for rows in files.values())
    known = {*built_in().billing_codes, *(row.code for row in own)}
    for where, rows in files.items():
        for (_, code, *_), _, path in _statements(rows):
            if not path.startswith("$.packages") and code not in known:
                near = get_close_matches(str(code), known, 1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                yield where, path, f"{code} is not a code of an IV iron{hint}"


def odd_prices(files: Mapping[str, OwnRows]) -> Iterator[str]:
    """What a person wrote of a price that is far from those that were published."""
    published = merged(rows for rows in files.values() if rows.published)
    for where, rows in files.items():
        for limits in () if rows.published else rows.limits:
            for code, price in limits.limit.items():
                far = published.payment.far(code, price, limits.start)
                if far:
                    told = f"{code} is {price} in {limits.quarter}, and {far}"
                    yield f"{where}: {told}: look whether that is right"


def _same(one: object, other: object) -> bool:
    """Two amounts are the same where one is the other with fewer decimals: Addendum B rounds to
    cents what the ASP file has in mills."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        coarser = max(one, other, key=lambda number: number.as_tuple().exponent)
        return one.quantize(coarser, ROUND_HALF_UP) == other.quantize(coarser, ROUND_HALF_UP)
    return one == other


def merged(files: Iterable[OwnRows]) -> CodeTables:
    """The built-in tables with the rows of these files over them; of two files, the one of the
    later day is over the other."""
    tables, ordered = (
        built_in(),
        sorted(files, key=lambda row: row.published.start if row.published else date.max),
    )
    own = _together(ordered)
    return structs.replace(
        tables,
        products=_products(tables.products, own.codes),
        package_table=_packages(tables.package_table, own.packages),
        diagnoses=_diagnoses(tables.diagnoses, own.diagnoses),
        payment=_payment(tables.payment, own),
        units_per_day=own.units_per_day,
        modifiers=own.modifiers,
        denial_codes=own.denial_codes,
        published=tuple(row.published for row in ordered if row.published),
    )


def _together(files: Iterable[OwnRows]) -> OwnRows:
    names = [name for name in OwnRows.__struct_fields__ if name != "published"]
    rows: dict[str, Any] = {
        name: tuple(chain.from_iterable(getattr(one, name) for one in files)) for name in names
    }
    return OwnRows(**rows)


def _products(table: Products, own: Iterable[OwnCode]) -> Products:
    own = list(own)
    return structs.replace(table, families=tuple(_family(row, own) for row in table.families))


def _family(family: Family, own: Iterable[OwnCode]) -> Family:
    """Its codes, each as the newest of the site's rows has it; what a row leaves unsaid beside its
    days stays as it is known."""
    codes = {row.code: row for row in family.codes}
    for row in own:
        if row.family == family.family:
            known = codes.get(row.code, row)
            fields = {name: getattr(row, name) for name in BillingCode.__struct_fields__}
            unsaid = {name for name in ("mue", "mue_hospital", "use") if fields[name] is None}
            kept = {name: getattr(known, name) for name in unsaid}
            codes[row.code] = BillingCode(**fields | kept)
    return structs.replace(family, codes=tuple(codes.values()))


def _packages(table: PackageTable, own: Iterable[Package]) -> PackageTable:
    rows = {row.ndc: row for row in table.packages}
    for row in own:
        before, fields = (
            rows.get(row.ndc),
            {name: getattr(row, name) for name in Package.__struct_fields__},
        )
        if before and row.start is None and row.end is None:
            # A crosswalk says nothing of the days on the market.
            fields |= {"start": before.start, "end": before.end}
        rows[row.ndc] = Package(**fields)
    return structs.replace(table, packages=tuple(rows.values()))


def _diagnoses(table: Diagnoses, own: Iterable[OwnDiagnosis]) -> Diagnoses:
    dated = {row.code: row for row in table.icd10.dated}
    groups = dict(table.icd10.groups)
    for row in own:
        groups |= {name: (*groups[name], row.code) for name in row.groups}
        known = dated.get(row.code)
        start = row.start or (known.start if known else None)
        dated[row.code] = DatedDiagnosis(
            code=row.code, start=start, end=row.end, source=row.source, verified=row.verified
        )
    icd10 = structs.replace(table.icd10, dated=tuple(dated.values()), groups=groups)
    return structs.replace(table, icd10=icd10)


def _payment(table: Payment, own: OwnRows) -> Payment:
    """The site's limits come first: of two of one quarter, the first is taken."""
    limits = sorted((*own.limits, *table.limits), key=lambda row: row.start, reverse=True)
    fields = PaymentLimits.__struct_fields__
    return structs.replace(
        table,
        limits=tuple(
            PaymentLimits(**{name: getattr(row, name) for name in fields}) for row in limits
        ),
        opps=_with_releases(table.opps, own.opps),
        asc=_with_releases(table.asc, own.asc),
        esrd_consolidated_billing=structs.replace(
            table.esrd_consolidated_billing,
            exempt=(*table.esrd_consolidated_billing.exempt, *own.esrd_exempt),
        ),
        discard_modifiers=tuple(_until(row, own.modifiers) for row in table.discard_modifiers),
        off_campus_modifiers=tuple(
            _until(row, own.modifiers) for row in table.off_campus_modifiers
        ),
    )


def _with_releases(table: Opps, releases: Iterable[Release]) -> Opps:
    releases = list(releases)
    status = {code: {row.start: row for row in rows} for code, rows in table.status.items()}
    for release in releases:
        for code, said in release.status.items():
            status.setdefault(code, {})[release.start] = OppsStatus(
                release.start, said, release.source, release.verified
            )
    days = sorted({release.start for release in releases if release.start > table.last_release})
    return structs.replace(
        table,
        status={
            code: tuple(sorted(rows.values(), key=lambda row: row.start))
            for code, rows in status.items()
        },
        later_releases=tuple(days),
    )


def _until(row: Modifier, own: Iterable[Modifier]) -> Modifier:
    """From when a modifier is asked stays as it is; when it ends, the HCPCS file says."""
    ended = next((one for one in own if one.modifier == row.modifier and one.end), None)
    return (
        structs.replace(row, end=ended.end, source=f"{row.source}; end: {ended.source}")
        if ended
        else row
    )
