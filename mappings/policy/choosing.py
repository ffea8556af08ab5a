"""Payer policies: data files, checked on load, chosen per administration by date, setting and payer
(R10a).

Held by tests/unit/test_policy_files.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from mappings import codes
from mappings.assessment import PolicyRef
from mappings.codes.tables import Dated
from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.policy import bases, checks
from mappings.policy.cases import Case
from mappings.policy.modifiers import AttestingModifier, DatedModifier, DiscountModifier, Modifiers
from mappings.policy.policy import For, Policy
from mappings.policy.rules import (
    AuthorizationRule,
    DosingRule,
    DrugSourceRule,
    FilingRule,
    IronDeficiencyRule,
    LabRule,
    NoteRule,
    OralIronRule,
    OverloadRule,
    PreferredRule,
    Requirements,
    Rule,
    UnitsRule,
)

__all__ = [
    "AttestingModifier",
    "AuthorizationRule",
    "Case",
    "DatedModifier",
    "DiscountModifier",
    "DosingRule",
    "DrugSourceRule",
    "FilingRule",
    "For",
    "IronDeficiencyRule",
    "LabRule",
    "Modifiers",
    "NoteRule",
    "OralIronRule",
    "OverloadRule",
    "Policy",
    "PolicySet",
    "PreferredRule",
    "Requirements",
    "Rule",
    "UnitsRule",
    "built_in",
    "files_in",
    "load",
    "of_files",
    "with_own",
]


class PolicySet:
    """Checked policies. `choose` picks the one for an administration."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(
            sorted(
                policies,
                key=lambda policy: (policy.id, policy.effective.start or date.min, policy.version),
            )
        )

    def get(self, identity: str, day: date | None = None) -> Policy | None:
        """The policy of that id in force on a day (None: the newest)."""
        found = [
            policy
            for policy in self.policies
            if policy.id == identity and (day is None or policy.effective.holds(day))
        ]
        return found[-1] if found else None

    def named(self, ref: PolicyRef | None) -> Policy | None:
        """The very policy that decided."""
        return next(
            (
                policy
                for policy in self.policies
                if ref and (policy.id, policy.version) == (ref.id, ref.version)
            ),
            None,
        )

    def choose(
        self,
        day: date,
        setting: str | None,
        kind: str,
        payer: str | None,
        code: str | None = None,
    ) -> Policy | None:
        """The payer's own policy before that of its kind; one for this setting only before one that
        is not for it; one for this drug before one for any."""
        meant = _meant(self, setting, kind, payer, (code, codes.in_force().names_of(code)))
        for policy in meant:
            if policy.effective.holds(day):
                return policy
        return None


@lru_cache(maxsize=4096)
def _meant(
    policies: PolicySet,
    setting: str | None,
    kind: str,
    payer: str | None,
    drug: tuple[str | None, frozenset[str]],
) -> list[Policy]:
    """Those that may be meant on some day, the one that is meant the most first; of two for the
    drug, the one that names the code itself, not one whose place it took."""
    code, named = drug
    found = []
    for policy in policies.policies:
        audience = policy.audience
        of_payer = kind in audience.kinds and (not audience.payers or payer in audience.payers)
        here = _fits(policy, setting) or not audience.settings_only
        if of_payer and here and _is_for(policy, named):
            found.append(policy)
    return sorted(
        found, key=lambda policy: (_rank(policy, setting), code not in policy.audience.codes)
    )


def _fits(policy: Policy, setting: str | None) -> bool:
    return not policy.audience.settings or setting in policy.audience.settings


def _is_for(policy: Policy, named: frozenset[str]) -> bool:
    return not policy.audience.codes or not named.isdisjoint(policy.audience.codes)


def _rank(policy: Policy, setting: str | None) -> tuple[int, bool, bool, bool]:
    """The less, the more a policy is meant for the case; one that is not for the setting comes last
    and says so."""
    audience, fits = policy.audience, _fits(policy, setting)
    kinds = (
        bool(audience.payers and fits), audience.settings_only, bool(audience.payers), fits, True,
    )  # fmt: skip
    return kinds.index(True), not audience.settings_only, not audience.settings, not audience.codes


@cache
def built_in() -> PolicySet:
    """The policies that ship in the package."""
    found = _checked(loading.packaged_in("policy/built_in"))
    return PolicySet(policy for _, policy in found)


def load(folder: Path | None) -> PolicySet:
    """The built-in policies with those of a site's folder; DataFileError on any mistake.

    A file with a built-in's id replaces it from the first day that the file is for.
    """
    return with_own(loading.texts_of(files_in(folder))) if folder else built_in()


def files_in(folder: Path) -> list[Path]:
    """The policy files of a folder, in order; DataFileError where there is none."""
    found = loading.data_files_in(folder, "of policies")
    if not found:
        other = ", ".join(map(str, loading.not_read_in(folder)))
        beside = f"; not read: {other}" if other else ""
        raise DataFileError(f"{folder}: no policy file (*.yaml or *.yml) is in this folder{beside}")
    return found


def of_files(paths: Iterable[Path]) -> dict[Path, list[Policy]]:
    """The policies of these files, checked, which may be as one another or as a built-in one; a
    file is several where the one that it is as has several versions."""
    found: dict[Path, list[Policy]] = {path: [] for path in paths}
    for where, policy in _checked(loading.texts_of(found), built_in().policies):
        found[Path(where)].append(policy)
    return found


def with_own(texts: Mapping[str, str]) -> PolicySet:
    """The built-in policies with those of a site, by file name."""
    own = _checked(texts, built_in().policies)
    kept = _not_replaced(built_in().policies, _first_days(policy for _, policy in own))
    mistakes: list[tuple[str, str]] = []
    for where, policy in own:
        mistakes += ((where, problem) for problem in _left_out(policy))
    for built, where in checks.overlaps([*((policy.id, policy) for policy in kept), *own]):
        mistakes.append(
            (
                where,
                (
                    f"the built-in policy {built} is for the same payer, settings and dates: take"
                    " its id to replace it"
                ),
            )
        )
    if mistakes:
        raise DataFileError(
            *(
                f"{where}:{loading.line_of(texts[where], '$.for')}: {problem}"
                for where, problem in dict.fromkeys(mistakes)
            )
        )
    return PolicySet([*(policy for _, policy in own), *kept])


def _left_out(policy: Policy) -> Iterator[str]:
    """Whom the built-in policy of the same id is for, and this one is not: nothing would be left
    for them."""
    for built in (every for every in built_in().policies if every.id == policy.id):
        old, new = built.audience, policy.audience
        lost: list[str] = [kind for kind in old.kinds if kind not in new.kinds]
        if new.payers:
            lost += [
                payer for payer in old.payers or ("every other payer",) if payer not in new.payers
            ]
        lost += [code for code in _drugs(old) if new.codes and code not in new.codes]
        lost += ["places that it is not for"] if new.settings_only and not old.settings_only else []
        if lost:
            yield (
                f"it would replace the built-in policy {built.id} and leave out {', '.join(lost)}:"
                " take another id, or the same `for`"
            )


def _drugs(audience: For) -> tuple[str, ...]:
    return audience.codes or ("every other drug",)


def _first_days(own: Iterable[Policy]) -> dict[str, date]:
    """When a site's first policy of each id begins."""
    found: dict[str, date] = {}
    for policy in own:
        begins = policy.effective.start or date.min
        found[policy.id] = min(begins, found.get(policy.id, begins))
    return found


def _not_replaced(policies: Iterable[Policy], begins: Mapping[str, date]) -> list[Policy]:
    """The policies on the days that a site's own of their id leave them."""
    found = (_until_replaced(policy, begins.get(policy.id)) for policy in policies)
    return list(filter(None, found))


def _until_replaced(policy: Policy, begins: date | None) -> Policy | None:
    """A built-in policy up to the day before a site's policy of the same id begins, if any does."""
    if begins is None:
        return policy
    if begins <= (policy.effective.start or date.min):
        return None
    end = min(policy.effective.end or date.max, begins - timedelta(days=1))
    return msgspec.structs.replace(policy, effective=Dated(start=policy.effective.start, end=end))


def read(text: str, where: str) -> Policy:
    """One policy file, checked by itself; DataFileError with every mistake. What another policy is
    to say in its place is unset."""
    return loading.structure(text, where, bases.WRITTEN, checks.check, codes.in_force().digest)


def _checked(texts: Mapping[str, str], others: Sequence[Policy] = ()) -> list[tuple[str, Policy]]:
    """The policies of these texts, by name, which may be as one of OTHERS."""
    written, mistakes = loading.each(texts, read)
    begins = _first_days(written.values())
    left = _not_replaced(others, begins)
    found: list[tuple[str, Policy]] = []
    wrong: list[tuple[str, str, str]] = []
    for where, policy in written.items():
        ship = others if policy.base == policy.id else left
        try:
            whole = list(bases.whole(policy, written.values(), ship))
        except bases.BaseRefused as refused:
            wrong.append((where, refused.path, str(refused)))
            continue
        found += ((where, version) for version in whole)
        wrong += ((where, *mistake) for version in whole for mistake in checks.attested(version))
    wrong += _overlapping(written)
    mistakes += (
        f"{where}:{loading.line_of(texts[where], f'$.{path}')}: {problem}"
        for where, path, problem in wrong
    )
    if mistakes:
        raise DataFileError(*dict.fromkeys(mistakes))
    return found


def _overlapping(policies: Mapping[str, Policy]) -> Iterator[tuple[str, str, str]]:
    """File, path and mistake of each that would be meant on a day of another one."""
    for pair in checks.overlaps(policies.items()):
        begins = {name: policies[name].effective.start or date.min for name in pair}
        earlier, later = sorted(pair, key=lambda name: begins[name])
        if begins[earlier] == begins[later]:
            earlier, later = pair[1], pair[0]
            fix = "take one of them out, or give each its own dates"
        else:
            last = begins[later] - timedelta(days=1)
            fix = f"end it the day before that begins, with `to: {last}` under `effective`"
        yield (
            earlier,
            "effective",
            f"its dates overlap those of {later}, which is for the same payer and settings: {fix}",
        )
