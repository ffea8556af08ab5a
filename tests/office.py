"""A billing office: a service whose patient's lines are assessed, released and written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.claims.service import WriteOrder, write_released
from integration.claims.writing import Report
from integration.store import decisions, releases, worklist
from integration.store.worklist import Filters
from mappings import decisions as forms
from tests import builders
from tests.service import NOW, Running

PRICES = "hcpcs,payer,charge\nJ1756,*,0.50\n"
PAIR = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")


def site(folder: Path, **extra: Any) -> dict[str, Any]:
    (folder / "prices.csv").write_text(PRICES)
    street = {"line": ["100 Main Street"], "city": "Columbus", "state": "OH"}
    provider = {
        "name": "Riverside Nephrology PC",
        "npi": "1234567893",
        "tax_id": "123456789",
        "phone": "5555551234",
        "address": street | {"postal_code": "432151234"},
    }
    return {
        "time_zone": "America/New_York",
        "claims": {"prices": str(folder / "prices.csv"), "folder": str(folder / "out")},
        "billing_provider": provider,
        "payer_aliases": {
            "Medicare": {"kind": "medicare", "claim_id": "15202"},
            "Sunrise Health Plan": {"kind": "commercial", "claim_id": "SHP01"},
        },
        "receivers": [{"name": "Clearing PageContext", "id": "CLEAR", "sender_id": "RIVER"}],
    } | extra


class Office:
    """A service with one patient, whose lines are assessed and released."""

    def __init__(self, service: Running, folder: Path) -> None:
        self.service, self.folder = service, folder
        service.assess()
        service.work()

    def release(self) -> None:
        with self.service.store.transaction() as db:
            for row in self.rows("ready"):
                pair = releases.to_decide(db, row.key, ["general"])
                if not pair[0].released_at:
                    releases.release(db, pair, "ada", "biller")

    def withdraw(self) -> None:
        with self.service.store.transaction() as db:
            pair = releases.to_decide(db, self.rows()[0].key, ["general"])
            releases.withdraw(db, pair, "ada", "biller")

    def rows(self, view: worklist.View = "all") -> list[worklist.Row]:
        with self.service.store.transaction() as db:
            return worklist.rows(db, Filters(view=view), ["general"], [])

    def write(self, **wanted: Any) -> Report:
        order = WriteOrder(site="general", folder=self.folder / "out", by="ada", now=NOW, **wanted)
        return write_released(self.service.settings, self.service.store, order)

    def decide(self, **what: Any) -> None:
        made = forms.from_document({"who": "Maria", "when": "2026-11-01", **what})
        with self.service.store.transaction() as db:
            decisions.record(db, "general", made, "ada", "biller")
        self.service.assess()
        self.service.work()

    def change(self, resource: dict[str, Any]) -> None:
        self.service.fake.load([resource])

    def correct(self) -> None:
        """A smaller dose than the one that left is released in its place."""
        self.change(builders.administration(dose="100 mg", ndc=builders.VENOFER_100, version="2"))
        self.service.assess()
        self.service.work()
        self.withdraw()
        self.release()

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "out").glob("*.x12"))


Opened = Callable[..., Office]
# A patient of a commercial plan, authorized.
PLAN = (
    builders.commercial(subscriberId="W123", relationship={"coding": [{"code": "self"}]}),
    builders.authorization(),
    builders.note(),
)
