"""A site, one EHR: where it is, how we sign in there, its places, payers and limits. A part of the
configuration."""

import re
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from integration.codes.folder import tables_of
from integration.configuration.claims import Billing, Facility, Payer
from integration.configuration.section import (
    ConfiguredPath,
    Section,
    is_loopback,
    origin,
    safe_address,
    sentences,
)
from integration.configuration.service import Hook, Name, Subscribing
from integration.configuration.vendors import Vendor
from integration.errors import ConfigurationError
from mappings import codes
from mappings import site as facts
from mappings.codes import CodeTables
from mappings.codes.tables import ClassKind
from mappings.datafiles.loading import DataFileError
from mappings.policy.rules import DrugSource

WriteBackForm = Literal[
    "auto", "DetectedIssue", "Task", "Communication", "DocumentReference", "worklist"
]


class Auth(Section):
    """How we sign in at the site's authorization server (SMART Backend Services, or a client
    secret)."""

    method: Literal["none", "private_key_jwt", "client_secret_basic", "client_secret_post"] = "none"
    client_id: str | None = None
    client_secret: SecretStr | None = Field(
        default=None, description="Better in the environment than in the file."
    )
    key_file: ConfiguredPath | None = Field(
        default=None,
        description="Private keys as a JWK set, made by `ferroclaim keys`, or one key as PEM.",
    )
    key_id: str | None = Field(
        default=None, description="Which key of the file signs; the newest one by default."
    )
    token_url: str | None = Field(
        default=None,
        description="Only where the site's SMART configuration has none, or a wrong one.",
    )
    scopes: list[str] | None = Field(
        default=None, description="Instead of the scopes that reading and writing need."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            "none": [],
            "private_key_jwt": ["client_id", "key_file"],
            "client_secret_basic": ["client_id", "client_secret"],
            "client_secret_post": ["client_id", "client_secret"],
        }[self.method]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"method {self.method} needs {' and '.join(missing)}")
        return self


class SmartApp(Section):
    """How people open ferroclaim from this EHR (SMART App Launch), beside how the service signs in
    for itself."""

    client_id: str = Field(min_length=1)
    method: Literal["public", "private_key_jwt", "client_secret_basic", "client_secret_post"] = (
        "public"
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Better in the environment than in the file."
    )
    key_file: ConfiguredPath | None = Field(
        default=None, description="Private keys, made by `ferroclaim keys`."
    )
    key_id: str | None = None
    scopes: list[str] | None = Field(
        default=None, description="Instead of the scopes that the pages need."
    )
    own_redirect_uri: bool = Field(
        default=True,
        description=(
            "People come back to /callback/{site}, another address for each site (RFC 9700); false:"
            " to /callback, where the app is registered with that."
        ),
    )
    frame_ancestors: list[str] = Field(
        default=[], description="Origins of the EHR's own pages, in whose frames ours may stand."
    )
    chart_link: str | None = Field(
        default=None,
        description=(
            "A page of the EHR for a resource; `{type}`, `{id}` and `{patient}` are filled in."
        ),
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method == "private_key_jwt" and self.key_file is None:
            raise ValueError("method private_key_jwt needs key_file")
        if self.method.startswith("client_secret") and not self.client_secret:
            raise ValueError(f"method {self.method} needs client_secret")
        return self

    @field_validator("frame_ancestors")
    @classmethod
    def _origins(cls, values: list[str]) -> list[str]:
        return [origin(value) for value in values]

    @field_validator("chart_link")
    @classmethod
    def _a_web_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value


class CdsClient(Section):
    """An EHR that may call our CDS services: who signs its tokens, and where its keys are."""

    issuer: str = Field(min_length=1)
    jwks_url: str

    @field_validator("jwks_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        return safe_address(value)


class Place(Section):
    """What a location or an organization is, in a payer's terms."""

    pos: str = Field(pattern=r"^\d{2}$", description="CMS place-of-service code")
    bill_type: Literal["13X", "72X", "85X"] | None = Field(
        default=None, description="85X: critical access hospital"
    )
    off_campus: Literal["PO", "PN", "ER"] | None = None
    hospital: Literal["rural-sch", "childrens", "cancer", "maryland"] | None = Field(
        default=None,
        description=(
            "A rural sole community, children's, PPS-exempt cancer or Maryland hospital: it reports"
            " TB for 340B drug where others reported JG."
        ),
    )
    drug_source: DrugSource | None = None
    r340b: bool | None = Field(default=None, description="Drugs there are bought under 340B.")
    facility: Facility | None = Field(
        default=None,
        description="Its name and address on claims; off-campus departments need it.",
    )

    def facts(self) -> facts.Place:
        facility = self.facility.facts() if self.facility else None
        return facts.Place(**self.model_dump(exclude={"facility"}), facility=facility)


class Limits(Section):
    connections: int = Field(
        default=5,
        ge=2,
        le=5,
        description="At most five connections per site; one is kept for writes.",
    )
    pages: int = Field(default=100, ge=1, description="Pages followed per search.")
    page_size: int | None = Field(
        default=None, ge=1, description="`_count`, instead of the vendor profile's."
    )
    resource_bytes: int = Field(default=10 * 2**20, ge=1024)
    answer_bytes: int = Field(default=100 * 2**20, ge=1024)
    references: int = Field(
        default=200, ge=0, description="Referenced resources read one by one, per patient."
    )
    connect_timeout_seconds: float = Field(default=5, gt=0)
    read_timeout_seconds: float = Field(default=60, gt=0)
    retries: int = Field(default=3, ge=0)
    writes: int = Field(
        default=100,
        ge=0,
        description="Resources that one run may write; more needs a person to raise it.",
    )


def _known(key: str, value: str, names: dict[str, str], wanted: str) -> str:
    if value not in names:
        raise ValueError(f"what {key!r} stands for is not {wanted}")
    return names[value]


class Site(Billing):
    """One EHR."""

    name: str = Field(default="", pattern=r"^([a-z][a-z0-9_-]*)?$")
    base_url: str
    vendor: Vendor = Field(
        default="auto",
        description="The vendor profile; `auto` asks the server's CapabilityStatement.",
    )
    auth: Auth = Auth()
    search_params: dict[str, str] = Field(
        default={}, description="Added to every search, e.g. athenahealth's ah-practice."
    )
    ca_file: ConfiguredPath | None = Field(
        default=None, description="Certificates to trust instead of the usual ones."
    )
    time_zone: str | None = Field(default=None, description="IANA name, e.g. America/New_York")
    places: dict[str, Place] = Field(default={}, description="by Location or Organization id")
    lab_aliases: dict[str, str] = Field(
        default={}, description="`system|code` or text of a local test → analyte or LOINC"
    )
    drug_aliases: dict[str, str] = Field(
        default={}, description="`system|code` or text of a local drug → product"
    )
    payer_aliases: dict[str, Payer] = Field(
        default={}, description="Organization id, identifier or name → payer"
    )
    encounter_classes: dict[str, ClassKind] = Field(
        default={}, description="`system|code` or text of a class of encounters → its kind"
    )
    status_words: dict[str, dict[str, str]] = Field(
        default={},
        description=(
            "by element, such as Condition.clinicalStatus: `system|code` or word → what it means"
        ),
    )
    drug_sources: dict[str, DrugSource] = Field(default={}, description="by payer or kind of payer")
    r340b: dict[str, bool] = Field(
        default={}, description="by payer or kind of payer: whether its drugs are bought under 340B"
    )
    prior_authorization: dict[str, bool] = Field(
        default={}, description="by policy id: what it leaves to the site"
    )
    bill_services: bool = Field(
        default=False, description="Infusion and injection codes as companion lines."
    )
    policy_dir: ConfiguredPath | None = None
    code_dir: ConfiguredPath | None = Field(
        default=None,
        description=(
            "Rows of code tables of the site's own, as `ferroclaim codes import` writes them."
        ),
    )
    limits: Limits = Limits()
    app: SmartApp | None = Field(
        default=None, description="The SMART app, opened from the chart or by itself."
    )
    cds: list[CdsClient] = Field(
        default=[], description="Who may call the CDS services for this site."
    )
    write_back: WriteBackForm = "auto"
    hooks: dict[Name, Hook] = Field(
        default={},
        description="Notifications that others set up, by the last part of /hooks/{site}/{name}.",
    )
    subscriptions: Subscribing = Subscribing()
    auto_release: bool = Field(
        default=False,
        description=(
            "Lines that are ready without a warning are released without a person: the site's own"
            " decision."
        ),
    )
    test_patients: bool = Field(
        default=False,
        description=(
            "Keep patients that are marked as test data (HTEST) in the worklist: for a sandbox."
        ),
    )
    production: bool = Field(
        default=False,
        description="Refused: it stands at each receiver.",
        json_schema_extra={"const": False},
    )

    @property
    def only_people_read(self) -> bool:
        """With [app] and without [auth] the service has no access of its own: a chart is read and
        written with the token of whoever opens it. An open server says `auth.method = "none"`."""
        return self.app is not None and "auth" not in self.model_fields_set

    @classmethod
    def adhoc(cls, base_url: str, **settings: Any) -> Self:
        """A site from nothing but its address, for `ferroclaim assess http://... --patient ID`."""
        try:
            return cls(**{"name": _name_of(base_url), "base_url": base_url, **settings})
        except ValidationError as error:
            raise ConfigurationError(f"{sentences(error)}.") from None

    def facts(self) -> facts.Site:
        """What the rules need to know of this site."""
        return facts.Site(
            time_zone=self.time_zone,
            places={key: place.facts() for key, place in self.places.items()},
            lab_aliases=self.lab_aliases,
            drug_aliases=self.drug_aliases,
            payer_aliases={key: payer.facts() for key, payer in self.payer_aliases.items()},
            encounter_classes=self.encounter_classes,
            status_words=self.status_words,
            prior_authorization=self.prior_authorization,
            drug_sources=self.drug_sources,
            r340b=self.r340b,
            bill_services=self.bill_services,
            billing_provider=self.billing_provider.facts() if self.billing_provider else None,
            codes=self._tables(),
            billing_providers={
                kind: provider.facts() for kind, provider in self.billing_providers.items()
            },
            receivers=tuple(receiver.facts() for receiver in self.receivers),
            stand_alone=frozenset(self.claims.stand_alone),
        )

    @field_validator("production")
    @classmethod
    def _at_the_receiver(cls, value: bool) -> bool:
        if value:
            raise ValueError(
                "files count or are tests by receiver: remove it here, and write production = true"
                " under [[sites.NAME.receivers]]"
            )
        return value

    def _tables(self) -> CodeTables | None:
        try:
            return tables_of(self.code_dir) if self.code_dir else None
        except DataFileError as problem:
            raise ConfigurationError(f"Site {self.name}: {problem}") from None

    @field_validator("base_url")
    @classmethod
    def _a_fhir_base(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
            raise ValueError("must begin with http:// or https://")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("must have one port at most, a number up to 65535") from None
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold neither credentials, a query nor a fragment")
        return f"{parts.scheme}{value[len(parts.scheme) :]}".rstrip("/")

    @field_validator("lab_aliases")
    @classmethod
    def _analytes(cls, values: dict[str, str]) -> dict[str, str]:
        """By name; a LOINC stands for its analyte."""
        table = codes.labs()
        names = {
            **{code: row.analyte for code, row in table.by_loinc.items()},
            **{name: name for name in table.by_name},
        }
        known = f"an analyte ({', '.join(table.by_name)}) or the LOINC of one"
        return {key: _known(key, value, names, known) for key, value in values.items()}

    @field_validator("drug_aliases")
    @classmethod
    def _products(cls, values: dict[str, str]) -> dict[str, str]:
        names = {name: name for name in codes.families()}
        return {
            key: _known(key, value, names, f"a product ({', '.join(names)})")
            for key, value in values.items()
        }

    @field_validator("status_words")
    @classmethod
    def _known_meanings(cls, values: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for element, rows in values.items():
            table = codes.statuses().get(element)
            if table is None:
                known = ", ".join(codes.statuses())
                raise ValueError(f"{element!r} is not an element whose statuses are read ({known})")
            for word, meaning in rows.items():
                names = {name: name for name in table.words}
                _known(word, meaning, names, f"a status of {element} ({', '.join(names)})")
        return values

    @field_validator("time_zone")
    @classmethod
    def _a_known_zone(cls, value: str | None) -> str | None:
        try:
            return value if value is None else ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            raise ValueError("is not an IANA time zone, such as America/New_York") from None

    @model_validator(mode="after")
    def _no_token_in_the_clear(self) -> Self:
        parts = urlsplit(self.base_url)
        if (
            self.auth.method != "none"
            and parts.scheme == "http"
            and not is_loopback(parts.hostname)
        ):
            raise ValueError("authorization needs https; a token must not travel in the clear")
        return self


def _name_of(base_url: str) -> str:
    """What a site without a name is called: by its host, `fhir-example-org`."""
    host = (urlsplit(base_url).hostname or "").lower()
    return re.sub(r"[^a-z0-9]+", "-", f"{'' if host[:1].isalpha() else 'at-'}{host}").strip("-")
