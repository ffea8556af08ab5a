"""What a site's claims rest on, read from the files that its configuration names."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from integration.configuration.site import Site
from integration.errors import ConfigurationError
from mappings import codes
from mappings.datafiles.loading import DataFileError
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.prepare import Basis
from mappings.writing.preparing.statements import FacilityFile, facility_file


def basis_of(site: Site) -> Basis:
    """Prices, the facility's file and decisions of a site; ConfigurationError names what is missing
    or wrong."""
    files = site.claims
    if files.prices is None:
        raise ConfigurationError(
            f"Site {site.name} has no price file, and a claim without a charge is none: name one as"
            f" prices in [sites.{site.name}.claims]."
        )
    return Basis(
        site=site.facts(),
        charging=price_list(_text(files.prices), files.prices.name),
        facility=(
            facility_file(_text(files.facility), files.facility.name)
            if files.facility
            else FacilityFile({})
        ),
        secondary=_secondary(files.medicare_secondary) if files.medicare_secondary else {},
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigurationError(f"Cannot read {path}: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8: save it as CSV (UTF-8).") from None


def _secondary(path: Path) -> Mapping[str, str]:
    rows = csv.DictReader(io.StringIO(_text(path).removeprefix("\ufeff")))
    header = [column.strip().lower() for column in rows.fieldnames or ()]
    if not {"patient", "type"} <= set(header):
        raise DataFileError(f"{path.name}: the first row must name the columns patient and type.")
    rows.fieldnames = header
    types = codes.claim_forms().medicare_secondary.types
    found = {}
    for number, row in enumerate(rows, 2):
        patient, kind = (row["patient"] or "").strip(), (row["type"] or "").strip()
        if kind not in types:
            raise DataFileError(
                f"{path.name}, row {number}: the type is one of {', '.join(types)}."
            )
        found[f"Patient/{patient.removeprefix('Patient/')}"] = kind
    return found
