"""What a site's claims rest on, read from the files that its configuration names.

Held by tests/contract/test_claims_sent.py.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from integration.configuration.site import Site
from integration.ehr.profile import words_of
from integration.errors import ConfigurationError
from mappings.decisions import Decision
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.prepare import Basis
from mappings.writing.preparing.statements import FacilityFile, facility_file


def basis_of(site: Site, decisions: Iterable[Decision], now: datetime) -> Basis:
    """Prices, the facility's file and what people had decided by `now`; ConfigurationError names
    what is missing or wrong."""
    files = site.claims
    if files.prices is None:
        raise ConfigurationError(
            f"Site {site.name} has no price file, and a claim without a charge is none: name one as"
            f" prices in [sites.{site.name}.claims]."
        )
    return Basis(
        site=site.facts().with_words(words_of(site.vendor)).deciding(decisions, now),
        charging=price_list(_text(files.prices), files.prices.name),
        facility=(
            facility_file(_text(files.facility), files.facility.name)
            if files.facility
            else FacilityFile({})
        ),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigurationError(f"Cannot read {path}: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8: save it as CSV (UTF-8).") from None
