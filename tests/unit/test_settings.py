"""The configuration: one file, the environment over it, errors that name the key and never the
value."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from integration.configuration import settings
from integration.configuration.settings import Settings, load
from integration.configuration.site import Site
from integration.errors import ConfigurationError
from mappings.record import Address
from mappings.site import Facility, Receiver
from mappings.site import Site as Facts
from tests import builders

PUBLISHED = Path(__file__).parents[2] / "docs" / "ferroclaim.schema.json"
EXAMPLE = """
data_dir = "data"

[sites.st-mary]
base_url = "https://fhir.example.org/r4/"
vendor = "epic"
time_zone = "America/New_York"
search_params = {ah-practice = "Organization/a-1.Practice-1"}

[sites.st-mary.auth]
method = "private_key_jwt"
client_id = "ferroclaim"
key_file = "keys/st-mary.json"

[sites.st-mary.places.l1]
pos = "19"
bill_type = "13X"
off_campus = "PO"

[sites.st-mary.lab_aliases]
"urn:lab|FERR" = "ferritin"

[sites.st-mary.payer_aliases."State Plan"]
kind = "medicaid"

[sites.st-mary.prior_authorization]
medicaid-default = true

[sites.sandbox]
base_url = "http://localhost:8080/fhir"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "ferroclaim.toml").write_text(EXAMPLE)
    return tmp_path / "ferroclaim.toml"


def test_the_published_schema_is_the_one_we_read_by() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == json.loads(
        json.dumps(settings.json_schema())
    ), "run `make docs`"


def test_an_editor_can_check_a_file_by_it(file: Path) -> None:
    import tomllib

    schema = json.loads(PUBLISHED.read_text("utf-8"))
    jsonschema.validate(tomllib.loads(EXAMPLE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"sites": {"a": {"base_url": "https://x", "tokn": 1}}}, schema)


def test_sites_know_their_names_and_paths_are_the_files(file: Path) -> None:
    read = load(file)
    assert list(read.sites) == ["st-mary", "sandbox"]
    site = read.site("st-mary")
    assert (site.name, site.base_url) == ("st-mary", "https://fhir.example.org/r4")
    assert site.auth.key_file == file.parent / "keys/st-mary.json"
    assert read.data_dir == file.parent / "data"


def test_what_the_rules_need_is_handed_over(file: Path) -> None:
    facts = load(file).site("st-mary").facts()
    assert facts.places["l1"].off_campus == "PO"
    assert facts.lab_aliases == {"urn:lab|FERR": "ferritin"}
    assert facts.payer_aliases["State Plan"].kind == "medicaid"
    assert facts.prior_authorization == {"medicaid-default": True}
    assert str(facts.zone) == "America/New_York"


BILLING = """
[sites.st-mary.places.l1.facility]
name = "East"
address = {line = ["900 East Road"], city = "Dayton", state = "OH", postal_code = "45402"}

[[sites.st-mary.receivers]]
name = "Clearinghouse"
id = "CH1"
sender_id = "US1"
claims = ["professional"]
"""


def test_what_claims_say_is_read_as_the_rules_have_it(file: Path) -> None:
    file.write_text(EXAMPLE + BILLING)
    read = load(file)
    facts = read.site("st-mary").facts()
    address = Address(line=("900 East Road",), city="Dayton", state="OH", postal_code="45402")
    assert facts.places["l1"].facility == Facility(name="East", address=address)
    assert facts.receivers == (
        Receiver(name="Clearinghouse", id="CH1", sender_id="US1", claims=("professional",)),
    )
    written = read.model_dump(mode="json", exclude_defaults=True)
    again = Settings.model_validate(written).site("st-mary").facts()
    assert (again.places, again.receivers) == (facts.places, facts.receivers)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("name =", "nam =", "places.l1.facility.nam: there is no such key; did you mean name?"),
        ("state =", "stat =", "address.stat: there is no such key; did you mean state?"),
        ('"OH"', '"Ohio"', "address.state: write two capital letters"),
        ('["900 East Road"]', "[]", "address.line: List should have at least 1 item"),
        ('["900 East Road"]', '"900"', "address.line: write a list in [ ]"),
        ('claims = ["professional"]', 'claims = ["x"]', "write one of 'professional', 'inst"),
        ('sender_id = "US1"', "", "receivers.0.sender_id: it is missing; write it here"),
    ],
)
def test_a_mistake_in_what_claims_say_is_named(
    file: Path, written: str, instead: str, said: str
) -> None:
    file.write_text(EXAMPLE + BILLING.replace(written, instead, 1))
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load(file)


def test_a_loinc_stands_for_its_analyte() -> None:
    aliases = {"Ferr": "2276-4", "urn:lab|SAT": "2502-3", "Hgb": "hemoglobin"}
    facts = Site.adhoc("https://x", lab_aliases=aliases).facts()
    assert facts.lab_aliases == {"Ferr": "ferritin", "urn:lab|SAT": "tsat", "Hgb": "hemoglobin"}
    found = builders.assessed(
        builders.lab("ferritin", 42, code={"text": "Ferr"}), without=["ferritin"], site=facts
    )
    assert builders.state(found, "ferritin") == "met"


def test_the_environment_overrides_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROCLAIM_SITES__SANDBOX__AUTH__CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("FERROCLAIM_SITES__ST_MARY__AUTH__CLIENT_ID", "other")
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", "postgresql://u:s3cret@db/x")
    read = load(file)
    secret = read.site("sandbox").auth.client_secret
    assert secret is not None
    assert secret.get_secret_value() == "s3cret"
    assert (read.site("st-mary").auth.client_id, read.site("st-mary").vendor) == ("other", "epic")
    assert "s3cret" not in repr(read)


def test_the_file_may_be_named_by_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERROCLAIM_CONFIG", str(file))
    assert "st-mary" in load().sites


def test_no_file_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load() == Settings()


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"Cannot read the configuration .*none\.toml: No such file"
    ):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[sites", "is not TOML"),
        (
            '[sites.a]\nbase_ur = "x"',
            "sites.a.base_url: it is missing",
        ),
        (
            '[sites.a]\nbase_url = "fhir.example.org"',
            "sites.a.base_url: must begin with http:// or https://",
        ),
        (
            '[sites.a]\nbase_url = "https://u:geheim@x/fhir"',
            "sites.a.base_url: must hold neither credentials",
        ),
        (
            '[sites.A]\nbase_url = "https://x/fhir"',
            "sites.A.name: write a name of lower-case letters",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\ntime_zone = "Mars"',
            "sites.a.time_zone: is not an IANA time zone",
        ),
        (
            (
                '[sites.a]\nbase_url = "https://x"\nauth = {method = "client_secret_basic",'
                ' client_secret = "geheim"}'
            ),
            "sites.a.auth: method client_secret_basic needs client_id",
        ),
        (
            (
                '[sites.a]\nbase_url = "http://x"\nauth = {method = "client_secret_post", client_id'
                ' = "a", client_secret = "geheim"}'
            ),
            "sites.a: authorization needs https",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\nlimits = {connections = 6}',
            "sites.a.limits.connections: Input should be",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\nplaces = {l = {pos = "office"}}',
            "sites.a.places.l.pos: write two digits",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\nlab_aliases = {Ferr = "geheim"}',
            "sites.a.lab_aliases: what 'Ferr' stands for is not an analyte (ferritin, tsat, ",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\nlab_aliases = {Ferr = "9999-9"}',
            "or the LOINC of one",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\ndrug_aliases = {Fe20 = "geheim"}',
            "sites.a.drug_aliases: what 'Fe20' stands for is not a product (iron-sucrose, ",
        ),
        (
            (
                '[sites.a]\nbase_url = "https://x"\nauth = {method = "client_secret_basic",'
                ' client_id = "a", client_secret = ""}'
            ),
            "sites.a.auth: method client_secret_basic needs client_secret",
        ),
        (
            (
                '[sites.a]\nbase_url = "https://x"\ncds = [{issuer = "i", jwks_url = "https://a"},'
                ' {issuer = "i", jwks_url = "https://b"}]'
            ),
            "the cds issuer i has two jwks_urls",
        ),
        ('web = {public_url = "https://x/iron"}', "web.public_url: must be a host name of its own"),
        ('database_url = ""', "database_url: is empty"),
        (
            ('[sites.a]\nbase_url = "https://x"\npayer_aliases = {P = {kind = "comercial"}}'),
            "sites.a.payer_aliases.P.kind: write one of 'medicare', ",
        ),
        (
            '[sites.a]\nbase_url = "https://x"\nsubscriptions = {form = "topic"}',
            'sites.a.subscriptions: form "topic" needs topics',
        ),
        ("sites = 3", "ferroclaim.toml"),
        ("sites = {a = 3}", "sites.a"),
    ],
)
def test_what_is_wrong_is_named_by_its_key_without_its_value(
    lines: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "ferroclaim.toml").write_text(lines)
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "ferroclaim.toml")
    assert says in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_an_unknown_site_names_the_known_ones(file: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"There is no site 'x' in the configuration \(known: sandbox, st-mary\)",
    ):
        load(file).site("x")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_may_do_without_tls(host: str) -> None:
    auth = {"method": "client_secret_post", "client_id": "a", "client_secret": "b"}
    assert Site.adhoc(f"http://{host}:8080/fhir", auth=auth).auth.method == "client_secret_post"


@pytest.mark.parametrize("said", ["true", '"yes"'])
def test_production_is_refused_at_the_site(tmp_path: Path, said: str) -> None:
    file = tmp_path / "ferroclaim.toml"
    file.write_text(
        f'[sites.general]\nbase_url = "https://fhir.example.org"\nproduction = {said}\n'
    )
    with pytest.raises(
        ConfigurationError, match=r"sites\.general\.production: .* \[\[sites\.NAME\.receivers\]\]"
    ):
        load(file)


def test_every_setting_of_a_site_is_read_somewhere() -> None:
    """One that stands in the published schema and does nothing is a promise that nobody keeps."""
    unread = set(Site.model_fields) - read_in("integration")
    unread -= set(Facts.__struct_fields__) & read_in("mappings")
    assert unread == {"production"}  # refused


def read_in(room: str) -> set[str]:
    """What is asked of a site, a client or oneself there."""
    files = (Path(settings.__file__).parents[2] / room).rglob("*.py")
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"(?=\b_?(?:site|self|client)\.(\w+))", source))


BILLER = """
[sites.sandbox.billing_provider]
name = "General Hospital"
npi = "1234567893"
tax_id = "123456789"
taxonomy = "282N00000X"
address = {line = ["1 Main Street"], city = "Albany", state = "NY", postal_code = "122070100"}
[sites.sandbox.billing_providers.72X]
name = "General Dialysis"
npi = "1245319599"
tax_id = "123456789"
[sites.sandbox.places.l9]
pos = "19"
[sites.sandbox.places.l9.facility]
name = "East Infusion"
npi = "1245319599"
address = {line = ["1 East Street"], city = "Albany", state = "NY", postal_code = "12207"}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("1234567893", "1234567890", "billing_provider.npi: its last digit is not the check"),
        (
            'Dialysis"\nnpi = "1245319599',
            'Dialysis"\nnpi = "1245319598',
            "billing_providers.72X.npi: its last digit is not the check digit",
        ),
        (
            'Infusion"\nnpi = "1245319599',
            'Infusion"\nnpi = "1245319590',
            "sites.sandbox.places.l9.facility.npi: its last digit is not the check digit",
        ),
        ("282N00000X", "282N0OO00X", "billing_provider.taxonomy: write a taxonomy code such as"),
        ('"123456789"', '"000000000"', "billing_provider: its tax_id is one digit nine times"),
        ('pos = "19"\n[sites.s', 'pos = "98"\n[sites.s', "l9.pos: is not a place-of-service code"),
        ('"NY", postal_code = "12207"', '"NN", postal_code = "12207"', "state: is not a state of"),
    ],
)
def test_numbers_are_refused_that_by_their_form_can_t_be(
    file: Path, old: str, new: str, says: str
) -> None:
    file.write_text(EXAMPLE + BILLER)
    load(file)
    assert old in BILLER
    file.write_text(EXAMPLE + BILLER.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert says in str(caught.value)
    assert new.strip('"') not in str(caught.value)
