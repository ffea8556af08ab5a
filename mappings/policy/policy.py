"""A policy file: whom it is for, when, and what it asks.

Held by tests/unit/test_policy_files.py.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from mappings.codes.tables import Dated
from mappings.policy.cases import Case
from mappings.policy.modifiers import Modifiers
from mappings.policy.rules import (
    Hcpcs,
    Kind,
    PersonNote,
    Place,
    Requirements,
    Row,
    Rule,
    Text,
)
from mappings.values.remembered import by_identity


class For(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the policy is for."""

    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, description="kinds of payer")]
    payers: Annotated[
        tuple[Text, ...], Meta(description="of these kinds, by key; none: every payer of them")
    ] = ()
    settings: Annotated[tuple[Place, ...], Meta(description="places of service; none: any")] = ()
    codes: Annotated[
        tuple[Hcpcs, ...],
        Meta(description="drugs; none: any. Others fall to the policy that is for all"),
    ] = ()
    settings_only: Annotated[
        bool, Meta(description="chosen in its settings only, never to say that one is not covered")
    ] = False


class Policy(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"audience": "for", "base": "as"},
):
    """A payer's policy for IV iron, valid for dates of service `effective`."""

    id: Annotated[
        str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*\Z", description="small letters, digits and hyphens")
    ]
    version: Annotated[Text, Meta(description="whatever tells this file from an earlier one")]
    title: Text
    payer: Annotated[
        Text | None, Meta(description="what people call the payer; else the title")
    ] = None
    stands_in: Annotated[
        bool,
        Meta(
            description=(
                "for payers that have no policy of their own: sentences speak of `the payer`"
            )
        ),
    ] = False
    audience: For
    base: Annotated[
        Text | None,
        Meta(description="the id of another policy, as which this one is but for what it says"),
    ] = None
    without: Annotated[
        tuple[Row, ...], Meta(description="with `as`: requirements of that one, not asked here")
    ] = ()
    requirements: Requirements
    source: Text
    verified: bool
    effective: Dated = Dated()
    modifiers: Modifiers = Modifiers()
    opps_packaging: Annotated[
        bool,
        Meta(description="hospital outpatient and ASC: packaged where the OPPS status says so"),
    ] = False
    bundled_with_dialysis: Annotated[
        bool, Meta(description="in the dialysis facility: paid with the dialysis")
    ] = False
    consolidated_billing: Annotated[
        bool,
        Meta(
            description=(
                "elsewhere: drugs of the ESRD list are held for the dialysis facility's claim"
            )
        ),
    ] = False
    diagnosis_order: Literal["ckd-first", "anemia-first"] = "ckd-first"
    esa_noted: Annotated[
        bool, Meta(description="note on the line whether an ESA is on record (NCD 110.10)")
    ] = False
    notes: Annotated[
        tuple[PersonNote, ...],
        Meta(description="what the text asks and can't be judged: said on the line, for a person"),
    ] = ()
    cases: tuple[Case, ...] = ()

    @property
    def payer_name(self) -> str:
        return self.payer or self.title

    @property
    def authority(self) -> Dated:
        """Its source, and from when until when it holds: what a rule rests on that names no other
        source."""
        return _authority(self)

    def verifies(self, rule: Rule | PersonNote) -> bool:
        """Whether a text of this very payer says so. What a policy that stands in for payers
        without one takes over from another payer's text is never verified for these."""
        said = self.verified if rule.verified is None else rule.verified
        return said and not self.stands_in


@by_identity
def _authority(policy: Policy) -> Dated:
    verified = policy.verified and not policy.stands_in
    return structs.replace(policy.effective, source=policy.source, verified=verified)
