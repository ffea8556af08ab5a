"""docs/claim-files.md shows a configuration that loads and is enough."""

import re
import tomllib
from pathlib import Path

from integration.configuration.settings import Settings
from mappings.writing.preparing.billers import provider_lacks

PAGE = (Path(__file__).parents[2] / "docs" / "claim-files.md").read_text("utf-8")


def test_the_configuration_shown_is_enough() -> None:
    shown = tomllib.loads("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))
    shown["sites"]["general"]["base_url"] = "http://127.0.0.1:8080/fhir"
    facts = Settings.model_validate(shown).site("general").facts()
    assert provider_lacks(facts.billing_provider) == []
    assert facts.payer_aliases["Medicare Part B"].on_claims.id == "15202"


def test_every_setting_of_the_billing_provider_is_shown() -> None:
    schema = Settings.model_json_schema()["$defs"]["BillingProvider"]["properties"]
    assert [name for name in schema if name not in PAGE] == []
