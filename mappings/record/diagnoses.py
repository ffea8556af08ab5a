"""Conditions and coded reasons.

Held by tests/scenarios/diagnoses.yaml.
"""

from msgspec import Struct

from mappings.record.sources import Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread

# The element whose words say it, where no code that is read does.
IN_WORDS = "Condition.code"
TREATED_IN_WORDS = "Procedure.code"
VISIT_IN_WORDS = "Encounter.type"
# Words beside a code that is read, which deny it.
DENIED_IN_WORDS = "Condition.code.text"
# The element that says of a condition that it is none.
REFUTED = "Condition.verificationStatus"
_WORDED = frozenset({IN_WORDS, TREATED_IN_WORDS, VISIT_IN_WORDS, DENIED_IN_WORDS})


class Diagnosis(Struct, frozen=True, gc=False, kw_only=True):
    """A condition or a coded reason. `refuted`: a clinician says that it is not so. `stands` is
    false for refuted, entered-in-error and unconfirmed ones, for inactive ones that do not say
    since when, for one of which a status is `unread`, and for what the patient or a relative has
    `told`. `snomed`: ICD-10-CM codes that only the map gave, each with its SNOMED code.
    """

    source: Source
    icd10: tuple[str, ...] = ()
    snomed: tuple[tuple[str, str], ...] = ()
    stands: bool = True
    refuted: bool = False
    unread: Unread | None = None
    told: bool = False
    resolved: bool = False
    onset: Moment | None = None
    abatement: Moment | None = None
    recorded: Moment | None = None
    encounter: str | None = None
    category: str = "other"
    due_to: tuple[str, ...] = ()
    due_to_icd10: tuple[str, ...] = ()
    is_reason: bool = False

    @property
    def is_worded(self) -> bool:
        """Whether it is said, or denied, by words, or by a code that is not read."""
        return self.unread is not None and self.unread.element in _WORDED
