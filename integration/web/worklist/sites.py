"""What the list says of its sites: those that rest, those that people alone read, whom they bill,
and how old their prices are.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from integration.assessing.clients import policies_for
from integration.codes.folder import limits_in_words
from integration.store import Db, cards, ledger, rests
from integration.store.rests import Rest
from integration.store.worklist import Filters
from integration.web.gate import PageContext
from integration.wording import words

NAMED = 10  # patients in one sentence


def resting(db: Db, here: PageContext) -> list[Rest]:
    """Sites that rest, and why: then the list may be behind the charts."""
    now = datetime.now(UTC)
    return [rest for rest in rests.troubled(db, names(here, by_itself=True)) if rest.until(now)]


def waiting(db: Db, here: PageContext) -> list[tuple[str, str]]:
    """Sites that only people may read, and the patients whose charts are owed something there."""
    people: dict[str, list[str]] = {}
    closed = set(names(here)) - set(names(here, by_itself=True))
    for row in ledger.waiting(db, sorted(closed)):
        people.setdefault(row.site, []).append(row.name or f"Patient {row.patient}")
    return [(site, _listed(found)) for site, found in people.items()]


@dataclass(frozen=True)
class OpenQuestion:
    """Whether a plan requires an authorization for what was ordered, and where the answer goes: a
    row of the configuration, or, of a policy that stands in for many payers (`each`), a decision
    of each."""

    payer: str
    drugs: str
    site: str
    policy: str
    each: bool


def unanswered(db: Db, here: PageContext) -> list[OpenQuestion]:
    """Of plans of which nobody has said it."""
    drugs: dict[tuple[str, str], list[str]] = {}
    for row in cards.questions(db, names(here)):
        if row.policy not in here.settings.sites[row.site].prior_authorization:
            said = f"{row.drug} ({words.plural(row.patients, 'patient')})"
            drugs.setdefault((row.site, row.policy), []).append(said)
    return [
        _question(here, site, policy, _listed(found)) for (site, policy), found in drugs.items()
    ]


def _question(here: PageContext, site: str, policy: str, drugs: str) -> OpenQuestion:
    known = policies_for(here.settings.sites[site]).get(policy)
    if known is None:
        return OpenQuestion(policy, drugs, site, policy, each=False)
    payer = known.title if known.stands_in else known.payer_name
    return OpenQuestion(payer, drugs, site, policy, each=known.stands_in)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def payers(here: PageContext) -> dict[str, str]:
    """Policy → what people call its payer."""
    called: dict[str, str] = {}
    for site in here.settings.sites.values():
        called |= {policy.id: policy.payer_name for policy in policies_for(site).policies}
    return called


def prices(here: PageContext, filters: Filters, today: date) -> list[str]:
    """How old the payment limits are that the lines of today are priced with, by site where they
    differ."""
    said = {
        name: limits_in_words(site.code_dir, today)
        for name, site in here.settings.sites.items()
        if filters.site in ("", name)
    }
    if len(set(said.values())) == 1:
        return [next(iter(said.values()))]
    return [f"{name}: {text}" for name, text in sorted(said.items())]


def names(here: PageContext, *, by_itself: bool = False) -> list[str]:
    """BY_ITSELF: those that the service reads without a person."""
    sites = here.settings.sites.values()
    return sorted(site.name for site in sites if not (by_itself and site.only_people_read))


def at(here: PageContext, site: str, moment: datetime | None) -> str:
    """A moment as the clocks of a site say it; of one that is configured no longer, in UTC."""
    known = here.settings.sites.get(site)
    return words.at(moment, known.time_zone if known else None)
