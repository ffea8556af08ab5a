"""The policies as a person handles them: found by file, folder or id, checked, tested, and compared
on records.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path

from msgspec import structs

from integration.assessing.files import BULK_CHARTS, BULK_SUMMARY
from integration.assessing.sources import AssessedCharts, collect, is_server
from integration.errors import ConfigurationError
from mappings import codes
from mappings.assess import assess, document
from mappings.assessment import Assessment
from mappings.datafiles import loading
from mappings.datafiles.mistakes import mistakes_of
from mappings.policy import choosing
from mappings.policy.choosing import Policy, PolicySet
from mappings.policy.unasked import unasked
from mappings.reading import Collection, Reader
from mappings.site import Site as Facts
from mappings.trials.cases import CaseResult, run_cases
from mappings.trials.difference import Difference, compare

BUILT_IN = "built-in"


def policy_set(which: str) -> PolicySet:
    """The policies in force with a file or folder of a site; those that ship for `built-in` or the
    id of one."""
    path = Path(which)
    if path.is_dir():
        return choosing.load(path)
    if path.is_file():
        return choosing.with_own({which: loading.text_of(path)})
    if which == BUILT_IN or choosing.built_in().get(which):
        return choosing.built_in()
    raise _unknown(which)


def chosen(which: Iterable[str] | None) -> list[Policy]:
    """The policies of files, folders and ids of built-in ones; all built-in ones without any."""
    return (
        list(chain.from_iterable(map(_chosen, which)))
        if which
        else list(choosing.built_in().policies)
    )


def _chosen(name: str) -> Iterator[Policy]:
    paths = _files(name)
    if paths is not None:
        yield from chain.from_iterable(choosing.of_files(paths).values())
        return
    found = [policy for policy in choosing.built_in().policies if name in (BUILT_IN, policy.id)]
    if not found:
        raise _unknown(name)
    yield from found


def _files(name: str) -> list[Path] | None:
    """A policy file, or those of a folder; None where the name is of neither."""
    path = Path(name)
    if path.is_file():
        return [path]
    if not path.is_dir():
        return None
    return choosing.files_in(path)


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no policy file, folder or built-in policy {name!r}: `ferroclaim policy list`"
        " names the built-in ones."
    )


def mistakes(names: Iterable[str]) -> dict[str, list[str]]:
    """Policy file → every mistake in it; files of one folder are held against each other and the
    built-in ones, too."""
    found: dict[str, list[str]] = {}
    for name in names:
        paths = _files(name)
        if paths is None:
            raise ConfigurationError(f"There is no policy file or folder {name!r}.")
        found |= mistakes_of(paths, choosing.read, choosing.with_own)
    return found


def left_unasked(names: Iterable[str], found: Mapping[str, list[str]]) -> Iterator[str]:
    """A sentence for each file without a mistake whose laboratory rows speak of some patients
    alone."""
    for name in names:
        right = [path for path in _files(name) or () if not found[str(path)]]
        for path, policies in choosing.of_files(right).items():
            who = next(filter(None, map(unasked, policies)), None)
            if who:
                yield (
                    f"{path}: no result is asked of a patient with {who}: add a row of laboratory"
                    " for them, if the payer asks it"
                )


def tested(policies: Iterable[Policy]) -> list[tuple[Policy, list[CaseResult]]]:
    """Each policy with what its cases gave."""
    return [(policy, run_cases(policy)) for policy in policies]


def difference(
    old: str, new: str, records: str, facts: Facts, as_of: datetime
) -> tuple[Difference, AssessedCharts]:
    """What NEW would change of these records' lines, gaps and money, and the assessment under
    it."""
    with codes.using(facts.codes):
        before, after = policy_set(old), policy_set(new)
    if before is after:
        raise ConfigurationError(
            "Both are the built-in policies: name a file or folder of your own as OLD or NEW."
        )
    collection = records_of(records)
    found, problems = Reader(facts).records(collection)
    loading = [
        document([assess(record, policies, as_of, facts) for record in found], problems, as_of)
        for policies in (before, after)
    ]
    moved = structs.replace(compare(*loading), unused=_unused(before, after, loading[1]))
    return moved, AssessedCharts(loading[1], {record.patient: record for record in found})


def _unused(before: PolicySet, after: PolicySet, found: Assessment) -> tuple[str, ...]:
    """Policies that only the new set has, and that are no line's: no chart's payer is theirs."""
    lines = chain.from_iterable(patient.lines for patient in found.patients)
    used = {line.policy.id for line in lines if line.policy}
    known = {(policy.id, policy.version) for policy in before.policies}
    new = {policy.id for policy in after.policies if (policy.id, policy.version) not in known}
    return tuple(sorted(new - used))


def records_of(records: str) -> Collection:
    """What `--on` names: files alone; of what `ferroclaim bulk` wrote, the charts that it kept."""
    if is_server(records):
        raise ConfigurationError("--on reads files: a Bundle, NDJSON, or a folder of either.")
    folder = Path(records)
    if not (folder / BULK_SUMMARY).is_file():
        return collect(records)
    if not (folder / BULK_CHARTS).is_dir():
        raise ConfigurationError(
            f"{records} was written by `ferroclaim bulk` without its charts: run it again with"
            " --charts."
        )
    return collect(str(folder / BULK_CHARTS))
