"""What a site wrote for a payer or a policy that there is none of: it would be passed over in
silence.

Held by tests/contract/test_operating.py.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple, get_args

from integration.configuration.mistakes import meant
from integration.configuration.site import Site
from mappings import codes
from mappings.policy.choosing import PolicySet
from mappings.site_tables import PayerKind


class Unmeant(NamedTuple):
    """`where`: the key of the configuration, or the policy; `fix`: what may be meant."""

    where: str
    why: str
    fix: str


def unmeant(site: Site, policies: PolicySet) -> Iterator[Unmeant]:
    """By the tables as they are; what people decide of a payer meanwhile is not known here."""
    called = sorted(_called(site))
    kinds = get_args(PayerKind)
    for table in ("drug_sources", "r340b"):
        for key in getattr(site, table):
            if key not in called and key not in kinds:
                fix = f"Write a kind of payer, or a payer of payer_aliases: {meant(key, kinds)}"
                yield Unmeant(f"{table}.{key}", "No payer is called that: it changes nothing.", fix)
    known = sorted({policy.id for policy in policies.policies})
    for key in site.prior_authorization:
        if key not in known:
            fix = f"Write the id of a policy: {meant(key, known)}"
            yield Unmeant(f"prior_authorization.{key}", "No policy has that id.", fix)
    names = [*called, *kinds]
    addressed = {*names, *_claim_ids(site)}
    for receiver in site.receivers:
        for key in (key for key in receiver.payers if key not in addressed):
            # Another may be an id by which charts know the payer.
            if get_close_matches(key, names, 1):
                where, fix = f"receiver {receiver.name}: {key}", meant(key, names)
                yield Unmeant(where, "No payer is called that.", fix)
    yield from _never_chosen(policies, set(called))


def _called(site: Site) -> set[str]:
    """The payers that a coverage may be read as."""
    own = (alias.payer for alias in site.payer_aliases.values())
    return {payer for payer in (*own, *(row.payer for row in codes.payers().names)) if payer}


def _claim_ids(site: Site) -> Iterator[str]:
    for alias in site.payer_aliases.values():
        ids = (alias.claim_id, alias.institutional_claim_id, alias.crossover_id)
        yield from filter(None, ids)


def _never_chosen(policies: PolicySet, called: set[str]) -> Iterator[Unmeant]:
    for policy in policies.policies:
        payers = policy.audience.payers
        if payers and called.isdisjoint(payers):
            yield Unmeant(
                f"policy {policy.id}",
                "No payer of a chart is read as one of its payers: it judges nothing.",
                f'Name a payer\'s coverages in payer_aliases, with payer = "{" or ".join(payers)}"',
            )
