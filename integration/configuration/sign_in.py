"""Who signs in where: we at a site, people from it, its EHR at our CDS services. A part of the
configuration.

Held by tests/unit/test_settings.py.
"""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from integration.configuration.section import ConfiguredPath, Section, origin, safe_address


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
