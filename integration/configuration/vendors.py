"""The vendors that a site may name: each is a profile in `integration/ehr/profiles`.

Held by tests/unit/test_resource_types.py.
"""

from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_FOLDER = files("integration") / "ehr" / "profiles"
PROFILES = tuple(
    sorted(
        found.name.removesuffix(".yaml")
        for found in _FOLDER.iterdir()
        if found.name.endswith(".yaml")
    )
)
_KNOWN = ("auto", *PROFILES)


def _known(vendor: str) -> str:
    if vendor not in _KNOWN:
        raise ValueError(f"{vendor!r} is not a vendor (known: {', '.join(_KNOWN)})")
    return vendor


Vendor = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(_KNOWN)})
]
