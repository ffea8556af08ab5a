"""Import of an FDA NDC directory of 200,000 packages, in the published form, against a bare csv
parse of the same bytes.

Run: make bench. Both are timed in turn in one process, in processor time, so that the ratio means
something on a busy machine. The directory is made here, from the form of the published one: what
its drugs are called does not matter, how many there are does.
"""

import csv
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from integration.codes.imports import import_files
from tests import published

PACKAGES, PACKAGES_PER_PRODUCT, ROUNDS = 200_000, 2, 5
TODAY = datetime.now(UTC).date()


def directory(folder: Path) -> tuple[Path, Path]:
    """product.txt and package.txt; every five-hundredth product is an intravenous iron."""
    products: list[list[str]] = []
    packages: list[list[str]] = []
    for number in range(PACKAGES // PACKAGES_PER_PRODUCT):
        ndc = f"{10000 + number // 1000:05}-{number % 1000:03}"
        name, strength = (
            ("Iron Sucrose", "20")
            if number % 500 == 0
            else (f"examplamine {number % 9000} hydrochloride", "10")
        )
        products.append(published.product(ndc, f"Brand {number % 20000}", name, strength, "mg/mL"))
        for pack in range(PACKAGES_PER_PRODUCT):
            carton = (
                f"10 VIAL, SINGLE-DOSE in 1 CARTON ({ndc}-{pack}1)  / 5 mL in 1 VIAL, SINGLE-DOSE"
                f" ({ndc}-{pack}0)"
            )
            packages.append(published.package(ndc, f"{ndc}-{pack}1", carton))
    return published.ndc_directory(folder, products=products, packages=packages)


def bare(paths: tuple[Path, Path]) -> int:
    return sum(
        len(list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), "excel-tab")))
        for path in paths
    )


def whole(paths: tuple[Path, Path]) -> int:
    """As `ferroclaim codes import` does it, into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        (outcome,) = import_files(paths, Path(folder), {}, date(2026, 10, 1), TODAY)
    if outcome.state != "written" or outcome.published is None:
        raise SystemExit(f"not imported: {outcome.says}")
    return outcome.published.kept


def timed(work: Callable[[tuple[Path, Path]], int], paths: tuple[Path, Path]) -> tuple[float, int]:
    start = time.process_time()
    found = work(paths)
    return time.process_time() - start, found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = directory(Path(folder))
        megabytes = sum(path.stat().st_size for path in paths) / 2**20
        kept = whole(paths)
        rounds = [(timed(whole, paths)[0], timed(bare, paths)[0]) for _ in range(ROUNDS)]
    imports, parses = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"NDC directory: {PACKAGES:,} packages, {PACKAGES // PACKAGES_PER_PRODUCT:,} products,"
        f" {megabytes:.0f} MB; {kept} packages kept"
    )
    print(
        f"import {imports:.2f} s, bare csv parse {parses:.2f} s:"
        f" {statistics.median(a / b for a, b in rounds):.1f} times"
    )


if __name__ == "__main__":
    main()
