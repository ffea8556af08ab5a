"""Every kind of published file: recognized by what is in it, read whole or not at all."""

import csv
import gzip
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from integration.codes import published_files
from mappings import codes
from mappings.codes import own, writing
from mappings.codes.published import Import, Known, NotUnderstood, read
from mappings.codes.rows import OwnRows
from tests import published

FILES = Path(__file__).parents[1] / "data" / "published"
KNOWN = Known(
    tables=codes.built_in(), modifiers=frozenset({"JW", "JZ", "JG", "TB", "PO", "PN", "ER"})
)


def imports(*paths: Path, quarter: str | None = None, known: Known = KNOWN) -> list[Import]:
    sheets = [sheet for path in paths for sheet in published_files.sheets(path)]
    return read(sheets, known, date.fromisoformat(quarter) if quarter else None)


def taken(*paths: Path, quarter: str | None = None) -> OwnRows:
    (found,) = imports(*paths, quarter=quarter)
    assert not found.refused
    assert found.rows
    # What is written is what is read back.
    assert own.read(writing.written(found.rows, "as imported"), "own.yaml") == found.rows
    return found.rows


def refused(*paths: Path, quarter: str | None = None) -> list[str]:
    (found,) = imports(*paths, quarter=quarter)
    assert found.rows is None
    return list(found.refused)


class TestAsPublished:
    def test_asp_pricing(self) -> None:
        rows = taken(FILES / "2025-10_asp_pricing.csv")
        assert rows.published
        assert (rows.published.kind, rows.published.start, rows.published.read) == (
            "asp-pricing",
            date(2025, 10, 1),
            1012,
        )
        (limits,) = rows.limits
        built_in = next(limit for limit in codes.payment().limits if limit.quarter == "2025Q4")
        assert (limits.quarter, limits.limit) == ("2025Q4", built_in.limit)

    def test_noc_pricing_is_left_aside(self) -> None:
        (found,) = imports(FILES / "2025-10_noc_pricing.csv")
        assert (found.rows, found.refused) == (None, ())

    def test_asp_crosswalk(self) -> None:
        rows = taken(FILES / "2025-10_asp_crosswalk.csv.gz")
        known = codes.packages()
        assert len(rows.packages) == 25
        assert {package.ndc: (package.mg, package.ml) for package in rows.packages} == {
            package.ndc: (known[package.ndc].mg, known[package.ndc].ml) for package in rows.packages
        }

    def test_noc_crosswalk(self) -> None:
        rows = taken(FILES / "2025-10_noc_crosswalk.csv")
        assert rows.published
        assert (rows.published.kind, rows.published.read, rows.count) == ("noc-crosswalk", 2, 0)

    def test_asc_addenda(self) -> None:
        rows = taken(FILES / "2020-07_asc_addenda_excerpt.xlsx")
        (release,) = rows.asc
        assert release.start == date(2020, 7, 1)
        assert release.status == {
            "J1439": "K2",
            "J1750": "K2",
            "J1756": "N1",
            "J2916": "N1",
            "Q0138": "K2",
            "Q0139": "K2",
        }

    def test_hcpcs(self) -> None:
        rows = taken(FILES / "2020-10_hcpcs_anweb_excerpt.xlsx", quarter="2020-10-01")
        ends = {row.code: row.end for row in rows.codes}
        assert ends["J1756"] is None
        assert {row.code: row.start for row in rows.codes}["J1437"] == date(2020, 10, 1)
        assert ends["Q9970"] == date(2014, 12, 31)
        assert {modifier.modifier for modifier in rows.modifiers} == {
            "JW",
            "JG",
            "TB",
            "PO",
            "PN",
            "ER",
        }

    def test_a_code_that_the_product_did_not_know(self) -> None:
        """With the built-in table as it was without Q9976."""
        families = [
            structs.replace(
                family, codes=tuple(code for code in family.codes if code.code != "Q9976")
            )
            for family in codes.products().families
        ]
        tables = structs.replace(
            codes.built_in(), products=structs.replace(codes.products(), families=tuple(families))
        )
        (found,) = imports(
            FILES / "2020-10_hcpcs_anweb_excerpt.xlsx",
            quarter="2020-10-01",
            known=Known(tables=tables),
        )
        assert found.rows
        (row,) = [row for row in found.rows.codes if row.code == "Q9976"]
        assert (row.mg_per_unit, row.start, row.end) == (
            Decimal("0.1"),
            date(2015, 7, 1),
            date(2015, 12, 31),
        )


class TestInThePublishedForm:
    def test_addendum_b(self, tmp_path: Path) -> None:
        rows = taken(published.addendum_b(tmp_path))
        (release,) = rows.opps
        (limits,) = rows.limits
        assert (release.start, release.status) == (date(2026, 10, 1), {"J1439": "K", "J1756": "N"})
        assert (limits.quarter, limits.limit) == ("2026Q4", {"J1439": Decimal("1.103")})

    @pytest.mark.parametrize(
        ("who", "claim"),
        [("Practitioner", "professional"), ("Outpatient Hospital", "institutional")],
    )
    def test_mue(self, tmp_path: Path, who: str, claim: str) -> None:
        (most,) = taken(published.mue(tmp_path, who), quarter="2026-07-01").units_per_day
        assert (most.claim, most.start, most.units) == (
            claim,
            date(2026, 7, 1),
            {"J1756": 500, "Q0138": 510},
        )

    def test_icd_10_cm(self, tmp_path: Path) -> None:
        (found,) = imports(published.icd10cm(tmp_path), quarter="2026-10-01")
        assert found.rows
        changed = {
            diagnosis.code: (diagnosis.start, diagnosis.end) for diagnosis in found.rows.diagnoses
        }
        assert changed["N18.33"] == (date(2026, 10, 1), None)
        assert changed["N18.32"] == (None, date(2026, 9, 30))
        assert "D50.9" not in changed
        assert "N18.33 is new" in found.left_out[0]

    def test_ndc_directory(self, tmp_path: Path) -> None:
        rows = taken(*published.ndc_directory(tmp_path), quarter="2026-10-01")
        assert {
            package.ndc: (package.family, package.mg, package.ml, package.start, package.end)
            for package in rows.packages
        } == {
            "00517234010": ("iron-sucrose", Decimal(100), Decimal(5), date(2000, 12, 1), None),
            "00517234001": ("iron-sucrose", Decimal(100), Decimal(5), date(2000, 12, 1), None),
            "99999123405": (
                "ferric-gluconate",
                Decimal("62.5"),
                Decimal(5),
                date(2026, 8, 1),
                date(2028, 7, 31),
            ),
        }

    @pytest.mark.parametrize("kind", ["carc", "rarc"])
    def test_x12_lists(self, tmp_path: Path, kind: str) -> None:
        rows = taken(published.x12_list(tmp_path, kind), quarter="2026-10-01")
        assert {denial_code.code: denial_code.end for denial_code in rows.denial_codes} == (
            {"16": None, "22": date(2026, 11, 1), "252": date(2026, 11, 1)}
            if kind == "carc"
            else {"N395": None}
        )

    def test_a_zip_of_several(self, tmp_path: Path) -> None:
        path = _zipped(
            tmp_path, ("2025-10_asp_pricing.csv", None), ("2025-10_noc_pricing.csv", None)
        )
        assert [
            imported.rows.published.kind
            for imported in imports(path)
            if imported.rows and imported.rows.published
        ] == ["asp-pricing"]

    def test_what_else_is_in_a_zip_is_left_aside(self, tmp_path: Path) -> None:
        path = _zipped(tmp_path, ("2025-10_asp_pricing.csv", None))
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("read me.pdf", "a paper")
            archive.writestr("record layout.txt", "columns, and what they hold")
        pricing, layout = imports(path)
        assert (bool(pricing.rows), layout.rows, layout.refused) == (True, None, ())

    def test_a_zip_with_nothing_of_ours(self, tmp_path: Path) -> None:
        path = _zipped(tmp_path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("record layout.csv", "column,what it holds\n")
        assert "not one of the files that are read here" in refused(path)[0]


def _zipped(folder: Path, *members: tuple[str, int | None]) -> Path:
    """Files of ours, each as far as so many bytes."""
    path = folder / "quarter.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, size in members:
            archive.writestr(name, (FILES / name).read_bytes()[:size])
    return path


def changed(
    tmp_path: Path, *changes: tuple[str, str], name: str = "2025-10_asp_pricing.csv"
) -> Path:
    text = (FILES / name).read_bytes().decode("cp1252")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / name
    path.write_bytes(text.encode("cp1252"))
    return path


MUE = "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv"
IRON = "J1756,Iron sucrose injection,1 MG,0.229,20.000,,,,,,\r\n"


class TestBadInput:
    def test_a_file_of_another_quarter(self) -> None:
        assert refused(FILES / "2025-10_asp_pricing.csv", quarter="2026-10-01") == [
            "2025-10_asp_pricing.csv: it is of 2025Q4, and --quarter says 2026Q4"
        ]

    def test_a_file_that_does_not_say_its_quarter(self, tmp_path: Path) -> None:
        assert refused(published.mue(tmp_path, "Practitioner")) == [
            (
                f"{MUE}: NCCI MUE, practitioner services: the file does not say from when it holds:"
                " add --quarter, such as 2026Q3, as its name says"
            )
        ]

    def test_other_columns(self, tmp_path: Path) -> None:
        (said,) = refused(changed(tmp_path, ("Payment Limit,", "Limit of Payment,")))
        assert said == (
            "2025-10_asp_pricing.csv: nearly CMS ASP payment limits, without a column such as"
            " payment limit: it may have changed, and is not read like that"
        )

    def test_no_form_of_ours(self, tmp_path: Path) -> None:
        path = tmp_path / "fees.csv"
        path.write_text("Code,Fee\nJ1756,1\n")
        (said,) = refused(path)
        assert said.startswith(
            "fees.csv: not one of the files that are read here (CMS ASC Addendum BB; "
        )

    def test_footnotes_are_no_rows(self, tmp_path: Path) -> None:
        footnote = "* The limit was revised." + 10 * ","
        path = changed(tmp_path)
        path.write_bytes(path.read_bytes() + f"{footnote}\r\n* And this one.\r\n".encode())
        assert taken(path).limits == taken(FILES / "2025-10_asp_pricing.csv").limits

    def test_a_code_with_a_mark(self, tmp_path: Path) -> None:
        (said,) = refused(changed(tmp_path, ("J1756,Iron", "J1756*,Iron")))
        assert said.endswith("'J1756*' stands where a code should")

    def test_notes_that_speak_of_another_quarter(self, tmp_path: Path) -> None:
        path = changed(
            tmp_path,
            ("Payment Allowance Limits", "Revised January 2026. Payment Allowance Limits"),
        )
        assert taken(path).limits[0].quarter == "2025Q4"

    def test_notes_that_speak_of_two_quarters(self, tmp_path: Path) -> None:
        path = published.addendum_b(tmp_path, month="Revised October 2026. As of July 2026")
        (said,) = refused(path)
        assert said.endswith(
            "its notes speak of 2026Q4 or 2026Q3: add --quarter with the one that is meant"
        )
        assert taken(path, quarter="2026-07-01").opps[0].start == date(2026, 7, 1)

    def test_a_name_that_says_another_quarter(self, tmp_path: Path) -> None:
        (said,) = refused(published.mue(tmp_path, "Practitioner"), quarter="2026-10-01")
        assert said.endswith("by its name it is of 2026Q3, and --quarter says 2026Q4")
        (said,) = refused(published.icd10cm(tmp_path), quarter="2025-10-01")
        assert said.endswith(
            "by its name it is of 2026Q4 or 2027Q1 or 2027Q2 or 2027Q3, and --quarter says 2025Q4"
        )

    def test_a_hcpcs_file_of_another_quarter(self) -> None:
        (said,) = refused(FILES / "2020-10_hcpcs_anweb_excerpt.xlsx", quarter="2026-10-01")
        assert said.endswith(
            "its newest code begins on 2020-10-01, so it is of 2020Q4, and --quarter says 2026Q4"
        )

    def test_a_text_of_two_bytes_a_letter(self, tmp_path: Path) -> None:
        path = changed(tmp_path)
        path.write_bytes(path.read_bytes().decode("cp1252").encode("utf-16"))
        assert taken(path).limits == taken(FILES / "2025-10_asp_pricing.csv").limits

    def test_a_price_far_from_the_last_one(self, tmp_path: Path) -> None:
        later = ("October 1, 2025 through December 31", "July 1, 2026 through September 30")
        (found,) = imports(
            changed(tmp_path, (later[0] + ", 2025", later[1] + ", 2026"), ("0.229,20", "229,20"))
        )
        assert found.remarks == (
            (
                "2025-10_asp_pricing.csv: J1756 is 229 here, and 0.223 in 2026Q2: look whether that"
                " is right"
            ),
        )

    def test_a_price_far_from_that_of_its_own_quarter(self, tmp_path: Path) -> None:
        (found,) = imports(changed(tmp_path, ("0.229,20", "20.229,20")))
        assert found.remarks[0].startswith(
            "2025-10_asp_pricing.csv: J1756 is 20.229 here, and 0.229 in 2025Q4: look"
        )

    @pytest.mark.parametrize("start", ["<!DOCTYPE html>", "\n <html lang='en'>", "\ufeff<HTML>"])
    def test_a_web_page_instead_of_a_file(self, tmp_path: Path, start: str) -> None:
        path = tmp_path / "pricing.csv"
        path.write_text(f"{start}<body>I accept</body></html>\n", "utf-8")
        (said,) = refused(path)
        assert said.startswith("pricing.csv: a web page, such as one that asks to accept a license")

    def test_an_archive_without_a_table(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("notes.pdf", b"%PDF")
        with pytest.raises(NotUnderstood) as told:
            list(imports(tmp_path / "a.zip"))
        assert told.value.every == ("a.zip: no table is in it",)

    def test_a_code_that_is_no_longer_there(self, tmp_path: Path) -> None:
        (found,) = imports(changed(tmp_path, (IRON, "")))
        assert found.remarks == (
            "2025-10_asp_pricing.csv: it has no row of J1756: what was known of it before stays",
        )

    @pytest.mark.parametrize("left", [20_000, 60_001])
    def test_cut_short(self, tmp_path: Path, left: int) -> None:
        path = tmp_path / "cut.csv"
        path.write_bytes((FILES / "2025-10_asp_pricing.csv").read_bytes()[:left])
        (said,) = refused(path)
        assert said.startswith(
            "cut.csv: its last line has no end, so that it may be cut short: download it again"
        )

    def test_cut_short_between_rows(self, tmp_path: Path) -> None:
        path = changed(tmp_path)
        path.write_bytes(path.read_bytes().partition(IRON.encode())[0] + IRON.encode())
        assert refused(path) == [
            (
                "2025-10_asp_pricing.csv: its last code is J1756, and a whole file goes on to Q:"
                " download it again"
            )
        ]

    def test_a_row_cut_short(self, tmp_path: Path) -> None:
        assert refused(
            changed(tmp_path, (IRON, "J1756,Iron sucrose injection,1 MG,0.229\r\n"))
        ) == [
            (
                "2025-10_asp_pricing.csv, row 326: 4 cells instead of 11: the row is cut short, or"
                " of another form"
            )
        ]

    def test_a_quote_that_never_ends(self, tmp_path: Path) -> None:
        (said,) = refused(changed(tmp_path, ("J1756,Iron", 'J1756,"Iron')))
        assert "it is not a whole table of cells (" in said

    @pytest.mark.parametrize("price", ["-0.229", "0", "free", "N/A", "1e99"])
    def test_an_impossible_price(self, tmp_path: Path, price: str) -> None:
        assert refused(changed(tmp_path, ("0.229,20.000", f"{price},20.000"))) == [
            (
                f"2025-10_asp_pricing.csv, row 326: the payment limit of J1756 is '{price}': a"
                " price above 0 is wanted"
            )
        ]

    def test_a_price_of_a_drug_that_we_do_not_know(self, tmp_path: Path) -> None:
        (said,) = refused(changed(tmp_path, ("134.194", "-134.194")))
        assert (
            said
            == "2025-10_asp_pricing.csv, row 10: the payment limit of 90371 is '-134.194': a price"
            " above 0 is wanted"
        )

    def test_another_unit(self, tmp_path: Path) -> None:
        assert refused(changed(tmp_path, ("injection,1 MG,0.229", "injection,10 MG,0.229"))) == [
            "2025-10_asp_pricing.csv, row 326: J1756 is priced per '10 MG', and its unit is 1 mg"
        ]

    def test_a_code_twice(self, tmp_path: Path) -> None:
        assert refused(changed(tmp_path, (IRON, IRON + IRON.replace("0.229", "0.230")))) == [
            "2025-10_asp_pricing.csv, row 327: J1756 appears twice, with 0.229 and 0.230"
        ]

    def test_every_mistake_is_told(self, tmp_path: Path) -> None:
        path = changed(
            tmp_path, ("injection,1 MG,0.229", "injection,10 MG,free"), ("134.194", "-134.194")
        )
        assert [said.partition(":")[0] for said in refused(path)] == [
            "2025-10_asp_pricing.csv, row 10",
            "2025-10_asp_pricing.csv, row 326",
        ]

    @pytest.mark.parametrize(("day", "said"), [("20201301", "20201301"), ("2020", "2020")])
    def test_an_impossible_date(self, tmp_path: Path, day: str, said: str) -> None:
        (mistake,) = refused(*published.ndc_directory(tmp_path, start=day), quarter="2026-10-01")
        assert mistake == f"package.txt, row 2: NDC 0517-2340-10: there is no date {said}"

    def test_packages_without_products(self, tmp_path: Path) -> None:
        _, packages = published.ndc_directory(tmp_path)
        (said,) = refused(packages, quarter="2026-10-01")
        assert "import product.txt together with package.txt" in said

    def test_products_without_packages(self, tmp_path: Path) -> None:
        products, _ = published.ndc_directory(tmp_path)
        (said,) = refused(products, quarter="2026-10-01")
        assert "import package.txt together with it" in said

    def test_an_ndc_that_holds_something_else_than_we_know(self, tmp_path: Path) -> None:
        path = tmp_path / "crosswalk.csv"
        text = gzip.decompress((FILES / "2025-10_asp_crosswalk.csv.gz").read_bytes()).decode(
            "cp1252"
        )
        old = "00517-2340-10,Venofer,1 MG,5,10,100,1000"
        assert old in text
        path.write_bytes(
            text.replace(old, "00517-2340-10,Venofer,1 MG,10,10,200,2000").encode("cp1252")
        )
        (said,) = refused(path)
        assert (
            "NDC 00517234010: 200 mg in 10 mL of iron-sucrose here, 100 mg in 5 mL of"
            " iron-sucrose in " in said
        )
        assert said.endswith("ask which is right, and write that as a row of your own")
        row = (
            '{ndc: "00517234010", family: iron-sucrose, mg: 200, ml: 10, label: new vial, source:'
            " the carton}"
        )
        (found,) = imports(
            path, known=Known(tables=own.with_own({"own.yaml": f"packages: [{row}]"}))
        )
        assert found.rows

    def test_lines_missing_in_an_order_file(self, tmp_path: Path) -> None:
        path = published.icd10cm(tmp_path)
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([*lines[:2], *lines[3:]]))
        assert (
            "row 3: its order number is 00004 after 00002: lines are missing or appear twice"
            in refused(path, quarter="2026-10-01")[0]
        )

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "the file is empty"),
            (b"\x1f\x8b broken", "the file is damaged"),
            (b"\xd0\xcf\x11\xe0old", "save it as xlsx"),
        ],
    )
    def test_what_is_no_file_of_the_kind(self, tmp_path: Path, data: bytes, said: str) -> None:
        path = tmp_path / "file.bin"
        path.write_bytes(data)
        assert said in refused(path)[0]

    def test_a_damaged_archive(self, tmp_path: Path) -> None:
        path = tmp_path / "file.zip"
        path.write_bytes(b"PK\x03\x04 broken")
        with pytest.raises(
            NotUnderstood, match=r"^file.zip: the file is damaged or cut short: download it again"
        ):
            imports(path)

    def test_a_damaged_table_in_an_archive_of_good_ones(self, tmp_path: Path) -> None:
        path = _zipped(
            tmp_path, ("2025-10_noc_crosswalk.csv", None), ("2025-10_asp_pricing.csv", 60_000)
        )
        good, bad = imports(path)
        assert (bool(good.rows), bad.rows) == (True, None)
        assert bad.refused[0].startswith(
            "quarter.zip: 2025-10_asp_pricing.csv: its last line has no end"
        )

    def test_a_workbook_cut_short(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.xlsx"
        path.write_bytes((FILES / "2020-07_asc_addenda_excerpt.xlsx").read_bytes()[:20_000])
        with pytest.raises(NotUnderstood, match="damaged or cut short"):
            imports(path)

    def test_no_description_of_a_cpt_code_stands_in_the_data_of_the_tests(self) -> None:
        assert [
            cell
            for cell in _cells(FILES / "2025-10_asp_pricing.csv")
            if cell[0].isdigit() and len(cell[0]) == 5 and cell[1]
        ] == []
        text = gzip.decompress((FILES / "2025-10_asp_crosswalk.csv.gz").read_bytes()).decode(
            "cp1252"
        )
        assert [
            row
            for row in csv.reader(io.StringIO(text))
            if row and row[0].isdigit() and len(row[0]) == 5 and row[1]
        ] == []


def _cells(path: Path) -> Sequence[Sequence[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("cp1252"))))
