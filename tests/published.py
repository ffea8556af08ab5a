"""Small files in the published forms of which none is in tests/data/published."""

import csv
from pathlib import Path

_NOTICE = (
    "CPT codes, descriptions and other data only are copyright of the American Medical"
    " Association.\nAll rights reserved.\nApplicable FARS/DFARS apply."
)


def _written(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def addendum_b(folder: Path, rate: str = "$1.103", month: str = "October 2026") -> Path:
    """OPPS Addendum B as csv: notes, then codes."""
    header = [
        "HCPCS Code",
        "Short Descriptor",
        "CI",
        "SI",
        "APC",
        "Relative Weight",
        "Payment Rate",
    ]
    header += ["National Unadjusted Copayment", "Minimum Unadjusted Copayment", "Note"]
    notes = [
        ["Addendum B.-Final OPPS Payment by HCPCS Code for CY 2026", *[""] * 9],
        [month, *[""] * 9],
        [_NOTICE, *[""] * 9],
    ]
    rows = [
        ["96365", "", "", "S", "5693", "2.4", "$207.66", "", "$41.54", ""],
        ["J1439", "Inj ferric carboxymaltos 1mg", "", "K", "9441", "", rate, "", "$0.23", ""],
        ["J1756", "Iron sucrose injection", "", "N", "", "", "", "", "", ""],
        ["Q9999", "Inj ustekinumab-aauz 1 mg", "", "K", "0810", "", "$33.09", "", "$6.62", ""],
    ]
    return _written(folder / "2026_october_addendum_b.csv", [*notes, header, *rows])


def mue(folder: Path, who: str, iron: str = "500") -> Path:
    header = [
        "HCPCS/\nCPT Code",
        f"{who} Services MUE Values",
        "MUE Adjudication Indicator",
        "MUE Rationale",
    ]
    rows = [
        ["96365", "1", "3 Date of Service Edit: Clinical", "Nature of Service/Procedure"],
        ["J1756", iron, "3 Date of Service Edit: Clinical", "Prescribing Information"],
        ["Q0138", "510", "3 Date of Service Edit: Clinical", "Prescribing Information"],
        ["V5299", "1", "2 Date of Service Edit: Policy", "Code Descriptor / CPT Instruction"],
    ]
    name = f"MCR_MUE_{who.replace(' ', '')}Services_Eff_07-01-2026.csv"
    return _written(folder / name, [[_NOTICE, "", "", ""], header, *rows])


def icd10cm(folder: Path) -> Path:
    """The order file: N18.33 is new, N18.32 is no more; the chapters between are left out."""
    rows = [
        ("D50", "0", "Iron deficiency anemia"),
        ("D509", "1", "Iron deficiency anemia, unspecified"),
        ("N18", "0", "Chronic kidney disease (CKD)"),
        ("N183", "0", "Chronic kidney disease, stage 3 (moderate)"),
        ("N1830", "1", "Chronic kidney disease, stage 3 unspecified"),
        ("N1833", "1", "Chronic kidney disease, stage 3c"),
        ("N184", "1", "Chronic kidney disease, stage 4 (severe)"),
        ("Z992", "1", "Dependence on renal dialysis"),
    ]
    text = "".join(
        f"{number:05} {code:7} {kind} {name[:60]:60} {name}\n"
        for number, (code, kind, name) in enumerate(rows, 1)
    )
    path = folder / "icd10cm_order_2027.txt"
    path.write_text(text)
    return path


PRODUCT_COLUMNS = [
    *(
        "PRODUCTID",
        "PRODUCTNDC",
        "PRODUCTTYPENAME",
        "PROPRIETARYNAME",
        "NONPROPRIETARYNAME",
        "DOSAGEFORMNAME",
        "ROUTENAME",
    ),
    *(
        "STARTMARKETINGDATE",
        "ENDMARKETINGDATE",
        "LABELERNAME",
        "SUBSTANCENAME",
        "ACTIVE_NUMERATOR_STRENGTH",
        "ACTIVE_INGRED_UNIT",
    ),
    "NDC_EXCLUDE_FLAG",
]
PACKAGE_COLUMNS = [
    *(
        "PRODUCTID",
        "PRODUCTNDC",
        "NDCPACKAGECODE",
        "PACKAGEDESCRIPTION",
        "STARTMARKETINGDATE",
        "ENDMARKETINGDATE",
    ),
    *("NDC_EXCLUDE_FLAG", "SAMPLE_PACKAGE"),
]


def product(
    ndc: str, brand: str, name: str, strength: str, unit: str, route: str = "INTRAVENOUS"
) -> list[str]:
    before = [
        f"{ndc}_1",
        ndc,
        "HUMAN PRESCRIPTION DRUG",
        brand,
        name,
        "INJECTION, SOLUTION",
        route,
        "20001201",
        "",
        "A Labeler",
    ]
    return [*before, name.upper(), strength, unit, "N"]


def package(
    product_ndc: str, ndc: str, description: str, start: str = "20001201", end: str = ""
) -> list[str]:
    return [f"{product_ndc}_1", product_ndc, ndc, description, start, end, "N", "N"]


def ndc_directory(
    folder: Path,
    start: str = "20001201",
    products: list[list[str]] | None = None,
    packages: list[list[str]] | None = None,
) -> tuple[Path, Path]:
    """product.txt and package.txt; `products` and `packages`: rows behind those of ours."""
    carton = (
        "10 VIAL, SINGLE-DOSE in 1 CARTON (0517-2340-10)  / 5 mL in 1 VIAL, SINGLE-DOSE"
        " (0517-2340-01)"
    )
    mine = [
        product("0517-2340", "Venofer", "Iron Sucrose", "20", "mg/mL"),
        product("99999-1234", "", "sodium ferric gluconate complex in sucrose", "62.5", "mg/5mL"),
        product("24338-510", "FeraBright", "ferumoxytol", "30", "mg/mL"),
        product("99999-777", "Iron", "ferrous sulfate", "65", "mg/1", "ORAL"),
    ]
    theirs = [
        package("0517-2340", "0517-2340-10", carton, start),
        package(
            "99999-1234", "99999-1234-5", "5 mL in 1 VIAL, SINGLE-DOSE", "20260801", "20280731"
        ),
        package("24338-510", "24338-510-17", "17 mL in 1 VIAL, SINGLE-USE"),
        package("99999-777", "99999-777-01", "100 TABLET in 1 BOTTLE"),
    ]
    return (
        _written(folder / "product.txt", [PRODUCT_COLUMNS, *mine, *(products or [])], "\t"),
        _written(folder / "package.txt", [PACKAGE_COLUMNS, *theirs, *(packages or [])], "\t"),
    )


def x12_list(folder: Path, kind: str) -> Path:
    """As a site may have it of X12; the texts are licensed and left out here."""
    carc = [
        ["1", "", "01/01/1995", "", ""],
        ["16", "", "01/01/1995", "03/01/2018", ""],
        ["22", "", "01/01/1995", "", "11/01/2026"],
        ["252", "", "09/30/2012", "", "11/01/2026"],
    ]
    rarc = [["M1", "", "01/01/1997", "", ""], ["N395", "", "2007-08-01", "", ""]]
    header = ["Code", "Description", "Start Date", "Last Modified", "Stop Date"]
    return _written(folder / f"{kind}.csv", [header, *(carc if kind == "carc" else rarc)])
