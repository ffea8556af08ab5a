"""A commented `ferroclaim.toml` to begin with, by kind of EHR: what stands in it can be read, what
only a person knows is named.

Held by tests/unit/test_configuring.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["sandbox", "epic", "oracle", "athenahealth", "medplum", "generic"]
DEFAULT_FILE = Path("ferroclaim.toml")
FILL_IN = "FILL-ME-IN"
# What a site and a hook may be called.
NAME = r"^[a-z][a-z0-9_-]*$"
NAMED = "write a name of lower-case letters, digits, - and _ that begins with a letter"


@dataclass(frozen=True)
class Start:
    """What a configuration begins with. `signs_in`: auth.method. `opens`: whether people can open
    ferroclaim from the EHR (SMART App Launch). `told`: what the server said of itself."""

    kind: Kind
    name: str
    base_url: str
    vendor: str
    signs_in: str
    opens: bool = False
    told: Sequence[str] = ()

    @property
    def key_file(self) -> str:
        """Of the client's private keys, relative to the file."""
        return f"keys/{self.name}.json"

    @property
    def variable(self) -> str:
        """The environment variable for the client's secret."""
        return f"FERROCLAIM_SITES__{self.name.replace('-', '_').upper()}__AUTH__CLIENT_SECRET"


@dataclass(frozen=True)
class _Known:
    vendor: str
    base_url: str
    signs_in: str
    notes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


_KEY = "private_key_jwt"
_KNOWN: dict[Kind, _Known] = {
    "sandbox": _Known("hapi", "http://localhost:8080/fhir", "none"),
    "epic": _Known(
        "epic",
        f"https://{FILL_IN}/api/FHIR/R4",
        _KEY,
        (
            "Register a backend client in the vendor's portal, with the address of the JWKS.",
            'Without the right to create Communications: write_back = "worklist".',
        ),
    ),
    "oracle": _Known(
        "oracle",
        f"https://fhir-ehr.cerner.com/r4/{FILL_IN}",
        _KEY,
        ("The tenant is part of base_url.",),
    ),
    "athenahealth": _Known(
        "athena",
        "https://api.platform.athenahealth.com/fhir/r4",
        _KEY,
        ("Every search wants the practice. Nothing can be written: gaps stand in the worklist.",),
        (f'search_params = {{ah-practice = "Organization/a-1.Practice-{FILL_IN}"}}',),
    ),
    "medplum": _Known(
        "medplum",
        "https://api.medplum.com/fhir/R4",
        "client_secret_basic",
        ("A client application with the client-credentials grant.",),
    ),
    "generic": _Known("generic", f"https://{FILL_IN}/r4", _KEY),
}
KINDS: tuple[Kind, ...] = tuple(_KNOWN)


def start(kind: Kind, name: str | None = None) -> Start:
    """What is known of a kind of EHR before anybody asked it."""
    known = _KNOWN[kind]
    return Start(kind, name or kind, known.base_url, known.vendor, known.signs_in)


def text_of(begin: Start) -> str:
    """The file. It can be read as it is; `FILL-ME-IN` is for a person."""
    parts = [_head(begin), _site(begin), _sign_in(begin)]
    parts += [_app(begin)] if begin.opens else []
    parts += [_web(begin), _more(begin)]
    return "\n".join(parts)


def _head(begin: Start) -> str:
    told = "".join(f"# {line}\n" for line in begin.told)
    return (
        "# What ferroclaim is to know. Every key: docs/ferroclaim.schema.json.\n"
        "# Secrets belong in the environment, never in this file.\n"
        f"{told}"
    )


def _site(begin: Start) -> str:
    known = _KNOWN[begin.kind]
    lines = [f"# {note}" for note in known.notes]
    lines += [
        f"[sites.{begin.name}]",
        f'base_url = "{begin.base_url}"',
        f'vendor = "{begin.vendor}"',
        'time_zone = "America/New_York"  # which day a dose near midnight belongs to',
        *known.keys,
    ]
    if begin.kind == "sandbox":
        lines.append("test_patients = true  # a sandbox: patients marked as test data count")
    return "\n".join(lines) + "\n"


def _sign_in(begin: Start) -> str:
    lines = [f"[sites.{begin.name}.auth]", f'method = "{begin.signs_in}"']
    if begin.signs_in == "none":
        return "\n".join([*lines[:1], f"{lines[1]}  # the server lets everybody in"]) + "\n"
    lines.append(f'client_id = "{FILL_IN}"  # from the registration with the EHR')
    if begin.signs_in == _KEY:
        made = "made by: ferroclaim keys new"
        lines.append(f'key_file = "{begin.key_file}"  # {made}, relative to this file')
    else:
        lines.append(f"# client_secret comes from {begin.variable}")
    return "\n".join(lines) + "\n"


def _app(begin: Start) -> str:
    return (
        "# People open ferroclaim from a chart (docs/launch-in-an-ehr.md). Take the # away once\n"
        "# the app is registered; web.public_url then has to be set, too.\n"
        f"# [sites.{begin.name}.app]\n"
        f'# client_id = "{FILL_IN}"\n'
    )


def _web(begin: Start) -> str:
    if begin.kind == "sandbox":
        return '[web]\nlocal_user = "me"  # on this machine alone, without a sign-in\n'
    return (
        "[web]\n"
        '# public_url = "https://ferroclaim.hospital.example.org"  # where people reach it\n'
        '# local_user = "me"  # to try it on this machine alone, without a sign-in\n'
    )


def _more(begin: Start) -> str:
    return (
        "# Once it reads: places, payers, prices.\n"
        f"# [sites.{begin.name}.places.eXbC92]  # by Location or Organization id\n"
        '# pos = "22"\n'
        f'# [sites.{begin.name}.payer_aliases."State Health Plan"]\n'
        '# kind = "medicaid"\n'
        f"# [sites.{begin.name}.billing_provider]\n"
        '# name = "General Hospital"\n'
        '# npi = "1234567893"\n'
        '# tax_id = "123456789"\n'
    )
