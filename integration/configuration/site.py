"""A site, one EHR: where it is, how we sign in there, its places, payers and limits. A part of the
configuration.

Held by tests/unit/test_settings.py.
"""

import re
from functools import cached_property
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from integration.codes.folder import tables_of
from integration.configuration.claims import Billing, Payer, Place
from integration.configuration.section import (
    ConfiguredPath,
    Key,
    Section,
    is_safe,
    refuse_more,
    sentences,
)
from integration.configuration.service import Hook, Name, Subscribing
from integration.configuration.sign_in import Auth, CdsClient, SmartApp
from integration.configuration.template import NAME
from integration.configuration.vendors import Vendor
from integration.errors import ConfigurationError
from mappings import site as facts
from mappings import site_tables
from mappings.codes import CodeTables
from mappings.codes.tables import ClassKind
from mappings.datafiles.error import DataFileError
from mappings.policy.rules import DrugSource

WriteBackForm = Literal[
    "auto", "DetectedIssue", "Task", "Communication", "DocumentReference", "worklist"
]


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
    answer_seconds: float = Field(
        default=300, gt=0, description="Until an answer is whole, once it has begun."
    )
    retries: int = Field(default=3, ge=0)
    writes: int = Field(
        default=100,
        ge=0,
        description="Resources that one run may write; more needs a person to raise it.",
    )


def _fhir_base(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        raise ValueError("must begin with http:// or https://")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("must have one port at most, a number up to 65535") from None
    refuse_more(parts)
    return f"{parts.scheme}{value[len(parts.scheme) :]}".rstrip("/")


class Site(Billing):
    """One EHR."""

    name: str = Field(default="", pattern=f"^$|{NAME}")
    base_url: str
    other_addresses: tuple[str, ...] = Field(
        default=(),
        description=(
            "Other addresses by which the server calls itself in links and references, as behind a"
            " proxy. Nothing is ever asked there."
        ),
    )
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
    places: dict[Key, Place] = Field(default={}, description="by Location or Organization id")
    lab_aliases: dict[Key, str] = Field(
        default={}, description="`system|code` or text of a local test → analyte or LOINC"
    )
    drug_aliases: dict[Key, str] = Field(
        default={}, description="`system|code` or text of a local drug → product"
    )
    payer_aliases: dict[Key, Payer] = Field(
        default={}, description="Organization id, identifier or name → payer"
    )
    encounter_classes: dict[Key, ClassKind] = Field(
        default={}, description="`system|code` or text of a class of encounters → its kind"
    )
    status_words: dict[str, dict[str, str]] = Field(
        default={},
        description=(
            "by element, such as Condition.clinicalStatus: `system|code` or word → what it means"
        ),
    )
    drug_sources: dict[Key, DrugSource] = Field(default={}, description="by payer or kind of payer")
    r340b: dict[Key, bool] = Field(
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

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """What the server may call itself: base_url first, the same without TLS, which a proxy may
        end before it, and the other addresses."""
        plain = self.base_url.removeprefix("https://")
        without_tls = () if plain == self.base_url else (f"http://{plain}",)
        return tuple(dict.fromkeys((self.base_url, *without_tls, *self.other_addresses)))

    def at_base(self, address: str) -> str:
        """ADDRESS, where the server calls itself something else than base_url: under base_url."""
        for other in self.addresses[1:]:
            rest = address.removeprefix(other)
            if rest != address and rest[:1] in ("", "/", "?"):
                return f"{self.base_url}{rest}"
        return address

    @classmethod
    def adhoc(cls, base_url: str, **settings: Any) -> Self:
        """A site from nothing but its address, for `ferroclaim assess http://... --patient ID`."""
        try:
            return cls(**{"name": _name_of(base_url), "base_url": base_url, **settings})
        except ValidationError as error:
            raise ConfigurationError(f"{sentences(error)}.") from None

    def facts(self) -> facts.Site:
        """What the rules need to know of this site."""
        payers = {key: payer.facts() for key, payer in self.payer_aliases.items()}
        return facts.Site(
            **{name: getattr(self, name) for name in _AS_WRITTEN},
            payer_aliases=payers,
            receivers=tuple(self.receivers),
            codes=self._tables(),
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
            there = self.code_dir and self.code_dir.exists()
            makes = "" if there else f" `ferroclaim codes import --site {self.name}` makes it."
            raise ConfigurationError(f"Site {self.name}: {problem}.{makes}") from None

    @field_validator("other_addresses")
    @classmethod
    def _fhir_bases(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_fhir_base, values))

    @field_validator("base_url")
    @classmethod
    def _a_fhir_base(cls, value: str) -> str:
        return _fhir_base(value)

    @field_validator("lab_aliases")
    @classmethod
    def _analytes(cls, values: dict[str, str]) -> dict[str, str]:
        return {key: site_tables.analyte(key, value) for key, value in values.items()}

    @field_validator("drug_aliases")
    @classmethod
    def _products(cls, values: dict[str, str]) -> dict[str, str]:
        return {key: site_tables.product(key, value) for key, value in values.items()}

    @field_validator("status_words")
    @classmethod
    def _known_meanings(cls, values: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for element, rows in values.items():
            for word, meaning in rows.items():
                site_tables.status(f"{element}|{word}", meaning)
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
        if self.auth.method != "none" and not is_safe(urlsplit(self.base_url)):
            raise ValueError("authorization needs https; a token must not travel in the clear")
        return self


# What the rules have of a site just as it is written.
_AS_WRITTEN = {*facts.Site.__struct_fields__} & {*Site.model_fields} - {
    "payer_aliases",
    "receivers",
}


def _name_of(base_url: str) -> str:
    """What a site without a name is called: by its host, `fhir-example-org`."""
    host = (urlsplit(base_url).hostname or "").lower()
    return re.sub(r"[^a-z0-9]+", "-", f"{'' if host[:1].isalpha() else 'at-'}{host}").strip("-")
