"""What `bulk` needs where its source is a server: options, and the export that comes before.

Held by tests/contract/export/test_export_runs.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integration.errors import ConfigurationError, EhrError, OnlyPeopleRead

if TYPE_CHECKING:
    from integration.bulk.export.asking import ExportRequest
    from integration.bulk.export.export import Export, Exported
    from integration.configuration.site import Site
    from integration.ehr.client import EhrClient

_SERVER = "Of a server"
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="ID", help="Patients of this Group.", rich_help_panel=_SERVER),
]
Everyone = Annotated[bool, typer.Option("--all", help="All patients.", rich_help_panel=_SERVER)]
System = Annotated[
    bool,
    typer.Option(
        "--system", help="Everything, with what no patient owns.", rich_help_panel=_SERVER
    ),
]
Patients = Annotated[
    list[str] | None,
    typer.Option("--patient", help="Of these only this one (repeatable).", rich_help_panel=_SERVER),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="What changed since a day or moment; `last`: since the export that DIR holds, which"
        " is kept.",
        rich_help_panel=_SERVER,
    ),
]
Types = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="TYPES",
        help="Parted by commas; default what an assessment reads.",
        rich_help_panel=_SERVER,
    ),
]
TypeFilters = Annotated[
    list[str] | None,
    typer.Option(
        "--type-filter",
        metavar="SEARCH",
        help="Such as Observation?category=laboratory (repeatable).",
        rich_help_panel=_SERVER,
    ),
]
Post = Annotated[bool, typer.Option("--post", help="Ask with a POST.", rich_help_panel=_SERVER)]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial",
        help="Fetch files while others are still made, where the server does that.",
        rich_help_panel=_SERVER,
    ),
]
Cancel = Annotated[
    bool,
    typer.Option(
        "--cancel", help="End the export that was begun for DIR.", rich_help_panel=_SERVER
    ),
]
KNOWN_LEVELS = "--group ID, --all or --system"


@dataclass(frozen=True)
class Wish:
    """The options as they were given."""

    group: str | None
    everyone: bool
    system: bool
    patients: tuple[str, ...]
    since: str | None
    types: str | None
    filters: tuple[str, ...]
    post: bool
    partial: bool

    @property
    def levels(self) -> int:
        return bool(self.group) + self.everyone + self.system

    def is_empty(self) -> bool:
        return self == Wish(None, False, False, (), None, None, (), False, False)

    def asked(self, client: "EhrClient") -> "ExportRequest":
        from integration.bulk.export.asking import (
            PATIENTS,
            SYSTEM,
            ExportRequest,
            instant,
            usual_types,
        )
        from integration.bulk.export.fetching import LAST
        from integration.ehr.fhir.references import patient_id

        if self.levels != 1:
            raise ConfigurationError(f"Say what to export: {KNOWN_LEVELS}.")
        if self.patients and self.system:
            raise ConfigurationError("--patient goes with --group or --all.")
        level = SYSTEM if self.system else PATIENTS
        if self.group:
            level = f"Group/{self.group.removeprefix('Group/')}"
        since = self.since if self.since in (None, LAST) else instant(str(self.since))
        return ExportRequest(
            level,
            _parted(self.types) if self.types else usual_types(client.capability),
            since,
            self.filters,
            tuple(patient_id(one) for one in self.patients),
            self.partial,
            self.post,
            may_narrow=self.types is None,
        )


def server_of(
    source: str, wish: Wish, cancel: bool, site: str | None, config: Path | None
) -> "Site | None":
    """The site to export from; None where SOURCE is files."""
    from integration.assessing.sources import is_server
    from integration.bulk.surveying.storage import is_address
    from integration.commands.inputs import named_site

    if is_server(source):
        from integration.assessing.servers import adhoc_or_named  # files need nothing of servers

        return adhoc_or_named(source, named_site(site, config))
    if wish.is_empty() and not cancel:
        return None
    if Path(source).exists() or is_address(source):
        raise ConfigurationError(f"{source} is files: nothing is exported from it.")
    return named_site(source, config)


@contextmanager
def fetched(
    site: "Site | None", wish: Wish, out: Path, tell: Callable[[str, int, int], None]
) -> Iterator["Exported | None"]:
    """What was exported, to be assessed; None without a site. Where that goes well, the next run
    begins another export."""
    if site is None:
        yield None
        return
    from integration.bulk.engine import explained
    from integration.bulk.export.fetching import LAST

    with explained(), _of(site, out, tell) as (export, client):
        asked = wish.asked(client)
        if asked.since not in (None, LAST):
            _warn("--since: what is older is not there, so gaps may be told that are none")
        found = export.fetch(asked)
    yield found
    export.finish()


def cancel(site: "Site", out: Path) -> None:
    """Ends the export of a folder, and says so."""
    with _of(site, out, lambda _step, _done, _all: None) as (export, _):
        ended = export.cancel()
    typer.echo("The export was ended." if ended else f"{out} holds no unfinished export.")


@contextmanager
def _of(
    site: "Site", out: Path, tell: Callable[[str, int, int], None]
) -> Iterator[tuple["Export", "EhrClient"]]:
    """Where it is broken off, what to do is said."""
    from integration.bulk.export.export import Export
    from integration.bulk.export.fetching import Listening
    from integration.bulk.export.job import ExportPlace
    from integration.ehr.client import EhrClient
    from integration.terminal.progress import loudness

    def say(text: str) -> None:
        if loudness() != "quiet":
            typer.echo(text, err=True)

    if site.only_people_read:
        raise OnlyPeopleRead(site.name)
    with EhrClient(site) as client:
        listening = Listening(say, _warn, tell)
        export = Export(client.transport, ExportPlace(out), listening=listening)
        try:
            yield export, client
        except KeyboardInterrupt:
            say(
                "The export goes on at the server: run the same command again to go on with it, or"
                " with --cancel to end it."
            )
            raise
        except EhrError as problem:
            if problem.own_words:
                say(f"The server says: {problem.own_words}")
            raise


def _warn(text: str) -> None:
    typer.echo(f"ferroclaim: {text}", err=True)


def _parted(types: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (kind.strip() for kind in types.split(",")))))
    wrong = [kind for kind in found if not kind.isalpha() or not kind[0].isupper()]
    if wrong or not found:
        raise ConfigurationError(
            f"--type {types!r} is no list of types such as Patient,MedicationAdministration."
        )
    return found
