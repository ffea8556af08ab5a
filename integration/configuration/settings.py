"""The configuration: one TOML file, one section per site, secrets from the environment.

`FERROCLAIM_SITES__GENERAL__AUTH__CLIENT_SECRET=...` overrides the same key of the file (a hyphen in
a site's name is written as an underscore there). Paths in the file are relative to the file.

Held by tests/unit/test_settings.py.
"""

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from integration.configuration.mistakes import meant, mistakes, together
from integration.configuration.section import ConfiguredPath, Section, safe_address
from integration.configuration.service import Retention, Service, Sweep
from integration.configuration.site import Site
from integration.configuration.template import DEFAULT_FILE, FILL_IN
from integration.errors import ConfigurationError, OnlyPeopleRead

CONFIG_VARIABLE = "FERROCLAIM_CONFIG"
# Variables of ours that are no settings; the last three are of the tests.
OTHERS = (
    CONFIG_VARIABLE,
    "FERROCLAIM_DEBUG",
    "FERROCLAIM_ALL_TESTS",
    "FERROCLAIM_HYPOTHESIS",
    "FERROCLAIM_HAPI_URL",
)

_NO_SITE = (
    "No site is configured: write a ferroclaim.toml with `ferroclaim init`, or name your file with"
    " --config."
)

Role = Literal["clinician", "biller", "admin"]


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"
    resource_ids: Literal["hashed", "plain"] = "hashed"


class OpenIdConnect(Section):
    """The hospital's own sign-in, for people who work without a chart."""

    issuer: str
    client_id: str = Field(min_length=1)
    method: Literal["public", "client_secret_basic", "client_secret_post"] = "client_secret_basic"
    client_secret: SecretStr | None = None
    scopes: list[str] = Field(default=["openid", "profile"])
    own_redirect_uri: bool = Field(
        default=True, description="/callback/sign-in; false: /callback, as at a site's app."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method != "public" and not self.client_secret:
            raise ValueError(f"method {self.method} needs client_secret")
        return self

    @field_validator("issuer")
    @classmethod
    def _safe(cls, value: str) -> str:
        return safe_address(value)


class Web(Section):
    """The pages: where they are reached, who may sign in, and as what.

    `roles` lists, by role, whom it is for: a `fhirUser` (`Practitioner/12`), a `sub`, an e-mail
    address, a group of the id_token, or `*` for every practitioner whom an EHR sends from a chart.
    """

    public_url: str | None = Field(
        default=None,
        description="https address under which people reach the service: a host name of its own.",
    )
    roles: dict[Role, list[str]] = Field(default={"clinician": ["*"]})
    sign_in: OpenIdConnect | None = None
    local_user: str | None = Field(
        default=None,
        description=(
            "Without sign-in, on 127.0.0.1 only: the name under which local use is recorded."
        ),
    )
    session_hours: float = Field(default=10, gt=0, le=24)
    idle_minutes: float = Field(default=60, gt=0)

    @field_validator("public_url")
    @classmethod
    def _safe(cls, value: str | None) -> str | None:
        if value and urlsplit(value).path.strip("/"):
            raise ValueError(
                "must be a host name of its own, without a path: pages and cookies begin at its"
                " root (service.hooks_url may have one)"
            )
        return value and safe_address(value)


class Settings(Section):
    """Everything that can be configured."""

    model_config = ConfigDict(title="ferroclaim.toml")

    database_url: SecretStr | None = Field(
        default=None, description="A PostgreSQL; by default an embedded one in `data_dir`."
    )
    data_dir: ConfiguredPath = Field(
        default=".ferroclaim",
        validate_default=True,
        description="Beside the file; without a file, in the folder where the command runs.",
    )
    log: Log = Log()
    web: Web = Web()
    service: Service = Service()
    sweep: Sweep = Sweep()
    retention: Retention = Retention()
    sites: dict[str, Site] = Field(default={})

    @field_validator("database_url")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        """As a variable that was to be filled in and was not: another database would know nothing
        of what was released."""
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("is empty: write an address, or leave it out for the embedded one")
        return value

    @model_validator(mode="after")
    def _one_address_for_an_issuer(self) -> Self:
        """The keys of one address must not speak for a site whose keys are at another."""
        addresses: dict[str, str] = {}
        for client in chain.from_iterable(site.cds for site in self.sites.values()):
            if addresses.setdefault(client.issuer, client.jwks_url) != client.jwks_url:
                raise ValueError(f"the cds issuer {client.issuer} has two jwks_urls")
        return self

    @model_validator(mode="before")
    @classmethod
    def _named_sites(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Gives each section its name, and joins what the environment had to write with an
        underscore."""
        if not isinstance(values.get("sites", {}), Mapping):
            return values
        sites = dict(values.get("sites") or {})
        hyphened = {name.replace("-", "_"): name for name in sites if "-" in name}
        for written, name in hyphened.items():
            if written in sites:
                sites[name] = _merged(sites[name], sites.pop(written))
        named = {n: {**s, "name": n} if isinstance(s, Mapping) else s for n, s in sites.items()}
        return {**values, "sites": named}

    def digests(self) -> dict[str, str]:
        """Of what each site is, but for secrets and for where its files lie: processes that have
        the same one decide alike."""
        return {
            name: hashlib.sha256(
                json.dumps(site.model_dump(), default=_comparable, sort_keys=True).encode()
            ).hexdigest()
            for name, site in self.sites.items()
        }

    def site(self, name: str) -> Site:
        try:
            return self.sites[name]
        except KeyError:
            if not self.sites:
                raise ConfigurationError(_NO_SITE) from None
            known = ", ".join(sorted(self.sites))
            raise ConfigurationError(
                f"There is no site {name!r} in the configuration (known: {known})."
            ) from None

    def chosen(self, names: list[str] | None) -> list[Site]:
        """The sites of these names, all without any; ConfigurationError where there is none."""
        if not self.sites:
            raise ConfigurationError(_NO_SITE)
        return [self.site(name) for name in names or sorted(self.sites)]

    def read_by_itself(self, names: list[str] | None) -> list[Site]:
        """The same, for what the service does without a person."""
        found = self.chosen(names)
        closed = [site for site in found if site.only_people_read]
        if closed and (names or len(closed) == len(found)):
            raise OnlyPeopleRead(closed[0].name)
        return [site for site in found if not site.only_people_read]

    @property
    def ways_to_sign_in(self) -> int:
        """How many a person has."""
        apps = sum(site.app is not None for site in self.sites.values())
        return apps + (self.web.sign_in is not None)

    @property
    def key_files(self) -> set[Path]:
        """Of every site, with what it signs as a service and as an app."""
        sites = self.sites.values()
        files = [site.auth.key_file for site in sites]
        files += [site.app.key_file for site in sites if site.app]
        return {file for file in files if file}


class _Environment(BaseSettings, Settings):
    """The same keys, read from FERROCLAIM_... variables."""

    model_config = SettingsConfigDict(env_prefix="FERROCLAIM_", env_nested_delimiter="__")


def load(path: Path | None = None) -> Settings:
    """Reads PATH, else the file named by FERROCLAIM_CONFIG, else ferroclaim.toml where there is
    one."""
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    file = named or DEFAULT_FILE
    if named is None and not file.exists():
        return _checked({}, None, "")
    try:
        text = file.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read the configuration {file}: {error.strerror}."
        ) from None
    except UnicodeDecodeError as error:
        line = bytes(error.object).count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{file}, line {line}: not text in UTF-8. Save the file as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}.") from None
    return _checked(values, file, text)


def json_schema() -> dict[str, Any]:
    """The schema of the file, for editors; checked in as docs/ferroclaim.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
    }


def _checked(values: dict[str, Any], file: Path | None, text: str) -> Settings:
    """Raises with every mistake: its line or variable, and what to write."""
    context = {"folder": file.resolve().parent} if file else {}
    where = str(file or "the environment")
    _tell_unknown_variables()
    said = [
        f"{where}, line {number}: fill in what the registration with the EHR gave you"
        for number, line in enumerate(text.splitlines(), 1)
        if FILL_IN in line.partition("#")[0]
    ]
    try:
        values = _merged(values, EnvSettingsSource(_Environment)())
        found = Settings.model_validate(values, context=context)
    except ValidationError as error:
        said = [*mistakes(error, Settings, text, where), *said]
        raise ConfigurationError(together(said)) from None
    except SettingsError as error:
        raise ConfigurationError(f"{where}: {error}.") from None
    if said:
        raise ConfigurationError(together(said))
    return found


def _tell_unknown_variables() -> None:
    """Variables that look like ours and are none: a typing error costs a setting."""
    known = [f"FERROCLAIM_{name.upper()}" for name in Settings.model_fields]
    for name in sorted(os.environ):
        section = name.partition("__")[0]
        if name.startswith("FERROCLAIM_") and section not in known and name not in OTHERS:
            print(f"ferroclaim: {name} is no setting; {meant(section, known)}", file=sys.stderr)


def _merged(below: Any, above: Any) -> Any:
    """Two nested dicts as one; ABOVE wins."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def _comparable(value: object) -> object:
    """Of what JSON has no form for."""
    if isinstance(value, Path):
        return value.name
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)
