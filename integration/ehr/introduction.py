"""What a server says of itself, for a configuration that nobody has written yet: /metadata and
.well-known/smart-configuration, without signing in.

Held by tests/contract/test_init.py.
"""

from dataclasses import replace

from integration.configuration.site import Site
from integration.configuration.template import KINDS, Kind, Start, start
from integration.ehr.client import EhrClient
from integration.ehr.transport.discovery import SmartConfiguration, discover
from integration.errors import ConfigurationError, EhrError

_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post")


def met(base_url: str, kind: Kind | None, name: str | None) -> Start:
    """Asks the server at BASE_URL. KIND where a person knows it better; raises where nobody
    answers."""
    site = Site.adhoc(base_url)
    with EhrClient(site) as client:
        capability, said = client.capability, client.said
    smart = _smart(site)
    if said is None and smart is None and kind is None:
        raise ConfigurationError(
            f"{site.base_url} has neither /metadata nor a SMART configuration: it is hardly the"
            " address of a FHIR server, which often ends in /fhir or /r4. Where it is right, name"
            " the kind of EHR, too."
        )
    known = capability.profile.vendor if said else "generic"
    begin = start(kind or _kind(known, smart), name)
    told = [
        f"It calls itself {capability.software or 'nothing'}"
        f" (FHIR {(said or {}).get('fhirVersion', 'version not said')})."
        if said
        else "It keeps /metadata to itself: vendor decides what is asked."
    ]
    if smart is None:
        told.append("It has no SMART configuration: nobody has to sign in.")
    return replace(
        begin,
        base_url=site.base_url,
        vendor=begin.vendor if kind and kind != "sandbox" else known,
        signs_in=_signs_in(smart, begin.signs_in),
        opens=smart is not None and "launch-ehr" in smart.capabilities,
        told=told,
    )


def _smart(site: Site) -> SmartConfiguration | None:
    try:
        return discover(site)
    except (ConfigurationError, EhrError):
        return None


def _kind(vendor: str, smart: SmartConfiguration | None) -> Kind:
    """The kind whose profile the server has; an open one of no known make is a sandbox."""
    by_vendor: dict[str, Kind] = {start(kind).vendor: kind for kind in KINDS}
    kind = by_vendor.get(vendor, "generic")
    if smart is None:
        return "sandbox"
    return "generic" if kind == "sandbox" else kind


def _signs_in(smart: SmartConfiguration | None, usual: str) -> str:
    if smart is None:
        return "none"
    return next((name for name in _METHODS if name in smart.auth_methods), usual)
