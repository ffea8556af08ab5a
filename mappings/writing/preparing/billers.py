"""What the site's configuration must still say of who bills.

Held by tests/unit/test_writing_docs.py.
"""

from mappings.record import Address
from mappings.site import BillingProvider
from mappings.writing.preparing.identifiers import is_post_box, valid_npi
from mappings.writing.preparing.parties import carried_address
from mappings.writing.x12.segments import carried, text


def provider_lacks(provider: BillingProvider | None) -> list[str]:
    """None of it can be made up."""
    if provider is None:
        return ["name, npi, tax_id, address and phone"]
    address = carried_address(provider.address) if provider.address else None
    pay_to = carried_address(provider.pay_to) if provider.pay_to else None
    checks = {
        "a name in Latin letters": text(provider.name, 60),
        "a given name in Latin letters": provider.given is None or text(provider.given, 35),
        "an npi with a right check digit": valid_npi(provider.npi),
        "a tax_id": carried(provider.tax_id),
        "an address": address is not None,
        "a street, city and state in Latin letters": address is None or _is_whole(address),
        "a street address, no post box (that goes to pay_to)": (
            address is None or not any(map(is_post_box, address.line))
        ),
        "a nine-digit postal_code": address is None or _zip_plus_four(address.postal_code),
        "a pay_to with street, city, state and postal_code in Latin letters": (
            pay_to is None or (_is_whole(pay_to) and pay_to.postal_code)
        ),
        "a phone": provider.phone,
    }
    return [what for what, there in checks.items() if not there]


def _is_whole(address: Address) -> bool:
    return bool(address.line and address.city and address.state)


def _zip_plus_four(code: str) -> bool:
    """Payers reject four zeros, which stand for nothing."""
    return len(code) == 9 and not code.endswith("0000")
