"""What the options of several commands stand for: site, facts, policies, decisions and moment.

Held by tests/contract/test_command_line.py.
"""

import getpass
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from integration.errors import ConfigurationError, FerroclaimError
from mappings import codes
from mappings import decisions as decisions_form
from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.decisions import Decision
from mappings.policy import choosing
from mappings.policy.choosing import PolicySet
from mappings.site import Site as Facts
from mappings.values import moment

if TYPE_CHECKING:
    from integration.configuration.settings import Settings
    from integration.configuration.site import Site
    from integration.store import Db


@dataclass(frozen=True)
class Terms:
    """By what charts are assessed: a `site` of the configuration or none, what the rules need of
    it, policies, what people decided, and the moment. `own`: what the command line says in place of
    the site."""

    site: "Site | None"
    facts: Facts
    policies: PolicySet
    decisions: tuple[Decision, ...]
    at: datetime
    own: Mapping[str, Any]

    @property
    def deciding(self) -> Facts:
        """The facts with what people had decided by then."""
        return self.facts.deciding(self.decisions, self.at)

    def server(self, source: str) -> "Site":
        """The site of a FHIR base URL."""
        from integration.assessing.servers import adhoc_or_named

        return adhoc_or_named(source, self.site).model_copy(update=self.own)


def terms(
    policy_dir: Path | None,
    code_dir: Path | None,
    decisions: Iterable[Path] | None,
    as_of: str | None,
    time_zone: str | None,
    site: str | None,
    config: Path | None,
) -> Terms:
    """What the options of those names mean together."""
    named = named_site(site, config)
    facts = facts_of(named, time_zone, code_dir)
    own = {"time_zone": time_zone, "code_dir": code_dir}
    return Terms(
        named,
        facts,
        policies_of(policy_dir, named, facts),
        decisions_of(decisions or (), facts),
        moment_of(as_of, facts),
        {name: value for name, value in own.items() if value},
    )


def named_site(site: str | None, config: Path | None) -> "Site | None":
    """A site of the configuration, which a file alone does without."""
    if site is None:
        return None
    from integration.configuration import settings

    return settings.load(config).site(site)


def settings_with_store(config: Path | None) -> "Settings":
    """The configuration of a service that has run; ConfigurationError where no database of it is
    here: a new one would only look as if nothing had happened."""
    from integration.configuration import settings as configuration
    from integration.store.database.connection import FOLDER

    settings = configuration.load(config)
    if settings.database_url is None and not (settings.data_dir / FOLDER).exists():
        raise ConfigurationError(
            f"There is no database of ferroclaim in {settings.data_dir}. Start it where the service"
            " runs, or name its file with --config."
        )
    return settings


def refuse_unknown_site(db: "Db", settings: "Settings", site: str) -> None:
    """ConfigurationError where neither the configuration knows it nor the database, which keeps
    what was of one that left the configuration."""
    from integration.store import patients

    there = patients.by_site(db).keys() | settings.sites.keys()
    if site not in there:
        known = ", ".join(sorted(there)) or "none"
        raise ConfigurationError(f"There is no site {site!r} (known: {known}).")


def who() -> str:
    """Who runs the command, for what is kept of it: in a container a user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def at_each(sites: "Sequence[Site]", do: "Callable[[Site], None]") -> bool:
    """DO at each site; whether it could be done at all of them. A site where it can't be is told,
    and the others have their turn; ConfigurationError where it could be at none."""
    problems: list[str] = []
    for site in sites:
        try:
            do(site)
        except FerroclaimError as problem:
            problems.append(str(problem))
    if len(problems) == len(sites):
        raise ConfigurationError(" ".join(problems))
    for said in problems:
        print(f"ferroclaim: {said}", file=sys.stderr)
    return not problems


def facts_of(named: "Site | None", time_zone: str | None, code_dir: Path | None = None) -> Facts:
    """What the rules need of a site of the configuration, or of none but a time zone and code
    tables."""
    facts = _facts_of_site(named) if named else Facts()
    facts = structs.replace(facts, time_zone=time_zone) if time_zone else facts
    if code_dir:
        from integration.codes.folder import tables_of

        facts = structs.replace(facts, codes=tables_of(code_dir))
    try:
        _ = facts.zone
    except ValueError as problem:
        message = str(problem)
        raise ConfigurationError(f"{message[0].upper()}{message[1:]}.") from None
    return facts


def _facts_of_site(site: "Site") -> Facts:
    from integration.ehr.profile import words_of

    return site.facts().with_words(words_of(site.vendor))


def decisions_of(files: Iterable[Path], facts: Facts) -> tuple[Decision, ...]:
    """What people decided, by files (DataFileError names file and line of every mistake); the
    codes that they name are those of the site."""
    found: list[Decision] = []
    mistakes: list[str] = []
    for path in files:
        try:
            with codes.using(facts.codes):
                found += decisions_form.from_text(loading.text_of(path), str(path))
        except DataFileError as problem:
            mistakes += problem.every
    if mistakes:
        raise DataFileError(*mistakes)
    return tuple(found)


def policies_of(folder: Path | None, named: "Site | None", facts: Facts) -> PolicySet:
    """The policies of a folder, else of a site of the configuration, with the built-in ones
    (DataFileError names file and line of every mistake)."""
    with codes.using(facts.codes):
        return choosing.load(folder or (named.policy_dir if named else None))


def moment_of(text: str | None, facts: Facts) -> datetime:
    """The moment that --as-of means; now without one."""
    if text is None:
        return datetime.now(facts.zone or UTC)
    wrong = ConfigurationError(
        f"--as-of {text!r} is not a date such as 2026-11-23, nor a moment with offset."
    )
    try:
        is_day = len(text) == len("2026-11-23")
        at = datetime.fromisoformat(text)
    except ValueError:
        raise wrong from None
    if moment.is_placeholder(str(at.date())):
        raise wrong
    if is_day:
        return moment.end_of_day(at.date(), facts.zone)
    if at.tzinfo is None:
        at = at.replace(tzinfo=facts.zone) if facts.zone else at
    if at.tzinfo is None:
        raise ConfigurationError(
            "--as-of with a time needs an offset (2026-11-23T12:00:00-05:00) or --time-zone."
        )
    return at
