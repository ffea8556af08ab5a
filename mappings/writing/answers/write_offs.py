"""Why a denied or rejected line is written off, as a biller may say it.

Held by tests/contract/test_write_offs.py.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct

from mappings.datafiles.loading import packaged, structure

OTHER = "other"


class WriteOffReasons(Struct, frozen=True, forbid_unknown_fields=True):
    """By code, in words."""

    source: str
    verified: bool
    reasons: dict[str, str]


@cache
def write_off_reasons() -> Mapping[str, str]:
    where, text = packaged("codes", "write_offs.yaml")
    return MappingProxyType(structure(text, where, WriteOffReasons, rests_on=b"").reasons)
