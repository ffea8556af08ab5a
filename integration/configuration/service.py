"""How the service runs: addresses, hooks, subscriptions, sweeps, how long things are kept. A part
of the configuration.

Held by tests/contract/test_hooks.py.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from integration.configuration.resource_types import SUBSCRIBED, WAKING
from integration.configuration.section import Section
from integration.configuration.template import NAME

HOOK_HEADER = "X-Ferroclaim-Secret"
Name = Annotated[str, StringConstraints(pattern=NAME)]


class Hook(Section):
    """A way in that somebody else set up: a vendor's event platform, an interface engine."""

    secret: SecretStr = Field(
        description="At least 16 characters, better in the environment than in the file."
    )
    proof: Literal["header", "hmac-sha256"] = Field(
        default="header",
        description=(
            "`header`: the secret itself; `hmac-sha256`: of the body, with the secret as key."
        ),
    )
    header: str = Field(
        default=HOOK_HEADER,
        description=(
            "E.g. X-Hub-Signature (athenahealth) or X-Signature (Medplum) with hmac-sha256."
        ),
    )
    counts_events: bool = Field(
        default=False,
        description=(
            "Event numbers run on from one notification to the next, so that a missing one is"
            " noticed."
        ),
    )

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 16:
            raise ValueError("needs at least 16 characters")
        return value


class Subscribing(Section):
    """The Subscriptions that `ferroclaim subscribe` makes at a site, and watches."""

    form: Literal["auto", "rest-hook", "topic", "none"] = Field(
        default="auto",
        description="`auto`: R4 rest-hooks where the server lets one create a Subscription.",
    )
    types: tuple[str, ...] = SUBSCRIBED
    criteria: dict[str, str] = Field(
        default={"Observation": "category=laboratory"},
        description="Search parameters by type, where not all of a type is wanted.",
    )
    topics: dict[str, str] = Field(
        default={}, description="For the form `topic`: the topic's canonical URL by type."
    )
    content: Literal["full-resource", "id-only", "empty"] = Field(
        default="full-resource",
        description="What a notification carries; with less, we ask the server for the rest.",
    )

    @field_validator("types")
    @classmethod
    def _waking(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if foreign := sorted(set(values) - set(WAKING)):
            raise ValueError(f"{', '.join(foreign)} wakes nothing")
        return values

    @model_validator(mode="after")
    def _topics_of_the_form(self) -> Self:
        if self.form == "topic" and not self.topics:
            raise ValueError('form "topic" needs topics: the canonical URL by type')
        return self


class Sweep(Section):
    """Looking for what no notification told of."""

    minutes: int = Field(default=15, ge=1, le=59, description="Between two looks.")
    overlap_minutes: int = Field(
        default=10,
        ge=0,
        description="A window begins this much before the last one's end: clocks differ.",
    )
    pages: int = Field(
        default=20, ge=1, description="Pages read before others get their turn; the rest follows."
    )
    first_days: int = Field(
        default=7, ge=0, description="How far back the first look at a site goes."
    )
    refresh_hours: int = Field(
        default=24, ge=1, description="Open records are read again at least this often."
    )
    fallback_hours: float = Field(
        default=4,
        gt=0,
        description=(
            "The same at a site that cannot be searched without naming a patient (Epic, Oracle,"
            " athenahealth)."
        ),
    )
    refresh_patients: int = Field(
        default=500, ge=0, description="At most so many of them per site and hour."
    )


class Service(Section):
    host: str = Field(default="127.0.0.1", description="Another address only where people sign in.")
    port: int = Field(default=8000, ge=0, le=65535)
    metrics_port: int | None = Field(
        default=None,
        description="Prometheus metrics, on 127.0.0.1; none by default.",
        ge=0,
        le=65535,
    )
    hooks_url: str | None = Field(
        default=None, description="Where EHRs reach /hooks, if not under web.public_url."
    )
    hook_bytes: int = Field(default=2**20, ge=1024, description="A larger notification is refused.")
    connections: int = Field(
        default=1024,
        ge=16,
        description=(
            "At most so many to one process, and fewer where the system lets it have fewer files"
            " open."
        ),
    )
    half_sent: int = Field(
        default=256,
        ge=8,
        description=(
            "Of these so many may wait for a request to arrive whole; beyond, the one that has"
            " waited longest is closed."
        ),
    )
    head_seconds: float = Field(
        default=10, gt=0, description="Within so many the head of a request has to arrive."
    )
    body_seconds: float = Field(default=30, gt=0, description="The same for its body.")
    workers: int = Field(
        default=8,
        ge=1,
        le=32,
        description=(
            "Patients assessed at once by one process: most of the time each waits for its EHR."
        ),
    )
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        description="A patient rests so long after a notification: more often follow.",
    )
    settle_at_most_seconds: float = Field(
        default=10.0, ge=0, description="But no longer than this after the first one."
    )
    retry_hours: float = Field(
        default=24, gt=0, description="Work that fails so long needs a person."
    )
    database_wait_seconds: float = Field(
        default=60,
        ge=0,
        description="So long `serve` and `worker` wait for a database that is not up yet.",
    )


class Retention(Section):
    """Days. Assessments that are current, and lines, are kept always."""

    notifications: int = Field(default=30, ge=1)
    history: int = Field(
        default=2557, ge=1, description="Assessments that were replaced, closed gaps, CDS cards."
    )
    audit: int = Field(default=2557, ge=1, description="HIPAA asks for six years of documentation.")
