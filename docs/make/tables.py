"""Pages of the code tables."""

from docs.make import charts, drugs, payments
from docs.make.claim_forms import claim_forms


def chapters() -> dict[str, str]:
    """File name → text."""
    return {
        "products.md": drugs.products(),
        "packages.md": drugs.packages(),
        "dosing.md": drugs.dosing(),
        "laboratory.md": charts.laboratory(),
        "diagnoses.md": charts.diagnoses(),
        "settings.md": charts.settings(),
        "statuses.md": charts.statuses(),
        "payers.md": payments.payers(),
        "payment.md": payments.payment(),
        "services.md": payments.services(),
        "beside.md": drugs.beside(),
        "units.md": drugs.units(),
        "freshness.md": payments.how_long(),
        "systems.md": charts.systems(),
        "giving.md": charts.giving(),
        "notes.md": charts.notes(),
        "claims.md": claim_forms(),
        "windows.md": charts.windows(),
    }
