"""`policy`: what payers ask for; a site's own files checked, tested, and compared with what is in
force.

Held by tests/contract/test_policy_command.py.
"""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from integration.commands.formats import name_unread, show_json, show_mistakes
from integration.commands.options import (
    AsOfBoth,
    CodeDir,
    Config,
    Json,
    PolicyDir,
    Records,
    SiteName,
    Zone,
    day_of,
)
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing
from mappings.values.moment import shown
from mappings.values.us_dates import us_date

if TYPE_CHECKING:
    from rich.console import Console

    from integration.assessing.sources import AssessedCharts
    from integration.configuration.site import Site
    from mappings.policy.choosing import Policy, PolicySet
    from mappings.trials.cases import CaseResult
    from mappings.trials.difference import Difference, GapChange, LineChange, PolicyChange

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    help="What payers ask for: look, check, test, and see what a change would move.",
)


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="policy")


@app.command("list")
def every(
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    site: SiteName = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The policies in force, and whom each is for."""
    named, in_force = _in_force(policy_dir, code_dir, site, config)
    policies = in_force.policies
    name_unread(_folders(policy_dir, named))
    if as_json:
        show_json([_brief(policy) for policy in policies])
        return
    for policy in policies:
        titled = _source(policy.title, policy.verified)
        typer.echo(f"{policy.id} {policy.version}  {titled}")
        typer.echo(f"    {_audience(policy)}")


@app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The id of a policy.")],
    on: Annotated[
        str | None,
        typer.Option("--on", help="The one in force on this date of service; default the newest."),
    ] = None,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    site: SiteName = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What a policy asks for, each rule with its source."""
    from integration.wording.policies import policy_rows

    _, policies = _in_force(policy_dir, code_dir, site, config)
    policy = policies.get(identity, day_of(on))
    if policy is None:
        when = f" in force on {on}" if on else ""
        raise ConfigurationError(
            f"There is no policy {identity!r}{when}: `ferroclaim policy list` names those there"
            " are."
        )
    if as_json:
        show_json(policy)
        return
    typer.echo(
        f"{policy.title} ({policy.id} {policy.version})\n{_audience(policy)}\nsource:"
        f" {_source(policy.source, policy.verified)}{_base(policy)}"
    )
    asked: dict[tuple[str, str], list[str]] = {}
    for rule in policy_rows(policy):
        title = f"{rule.title} (a warning)" if rule.warning else rule.title
        when = f" ({rule.when})" if rule.when else ""
        asks = f"{rule.says}{when}"
        asked.setdefault((asks, _source(rule.source or policy.source, rule.verified)), []).append(
            title
        )
    for (asks, source), titles in asked.items():
        _paragraph(", ".join(titles), asks, f"source: {source}")
    if policy.notes:
        said = (
            f"{note.says} ({_source(note.source or policy.source, policy.verifies(note))})"
            for note in policy.notes
        )
        _paragraph("For a person to look at", *said)


@app.command()
def check(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Policy files, or folders of them; default: the site's policy_dir.",
        ),
    ] = None,
    code_dir: CodeDir = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """Whether policy files can be used; every mistake with file and line. Names drugs that lack a
    row of a code table."""
    from integration.assessing.policies import left_unasked, mistakes
    from integration.commands.inputs import facts_of, named_site
    from mappings import codes
    from mappings.codes.freshness import lacking

    named = named_site(site, config)
    names = paths or list(map(str, _folders(None, named)))
    if not names:
        raise ConfigurationError("Name policy files or folders to check, or --site NAME.")
    with codes.using(facts_of(named, None, code_dir).codes):
        found, lacks = mistakes(names), list(lacking(codes.in_force()))
        notes = list(left_unasked(names, found))
    name_unread(map(Path, names))
    show_mistakes(found)
    for note in notes:
        typer.echo(note, err=True)
    for lack in lacks:
        typer.echo(f"code tables: {lack}", err=True)
    if any(map(_asks_more, chain(*found.values()))):
        typer.echo(
            "What a payer's text asks and no name here says is kept as a note to a person: write it"
            " under `notes` (docs/policies.md, section 8).",
            err=True,
        )
    raise typer.Exit(2 if any(found.values()) else 0)


def _asks_more(mistake: str) -> bool:
    """Whether it may be what a payer asks and no policy can say, not a slip of the pen."""
    unknown = "unknown name" in mistake or (
        "unknown field" in mistake and " at $.requirements (" in mistake
    )
    return unknown and "did you mean" not in mistake


@app.command("test")
def run(
    which: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[POLICY]...", help="Files, folders, or ids; default: all built-in."
        ),
    ] = None,
    code_dir: CodeDir = None,
    site: SiteName = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Run the cases that stand in the policies themselves. Exit status 1 where one fails."""
    import msgspec

    from integration.assessing.policies import chosen, tested
    from integration.commands.inputs import facts_of, named_site
    from mappings import codes

    with codes.using(facts_of(named_site(site, config), None, code_dir).codes):
        found = tested(chosen(which))
    told: list[dict[str, Any]] = []
    for policy, results in found:
        for result in results:
            own = {"policy": policy.id, "passed": result.passed}
            told.append(msgspec.to_builtins(result) | own)
        if not as_json:
            _show_results(policy, results)
    if as_json:
        show_json(told)
    raise typer.Exit(0 if all(result["passed"] for result in told) else 1)


@app.command()
def diff(
    old: Annotated[
        str,
        typer.Argument(help="A policy file or folder, the id of a built-in policy, or `built-in`."),
    ],
    new: Annotated[str, typer.Argument(help="The same.")],
    on: Records,
    as_of: AsOfBoth = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
    code_dir: CodeDir = None,
    as_json: Json = False,
) -> None:
    """Which lines and gaps, and how much money, another policy would move."""
    from integration.assessing.policies import difference
    from integration.commands.inputs import facts_of, moment_of, named_site

    facts = facts_of(named_site(site, config), time_zone, code_dir)
    report_difference(*difference(old, new, on, facts, moment_of(as_of, facts)), as_json)


def report_difference(found: "Difference", result: "AssessedCharts", as_json: bool) -> NoReturn:
    """The difference on standard output, what could not be read on standard error, and the exit
    status."""
    if as_json:
        show_json(found)
    else:
        _show_difference(found)
    for unreadable in result.document.all_unreadable:
        typer.echo(f"unreadable: {unreadable.resource}: {unreadable.problem}", err=True)
    raise typer.Exit(0 if result.complete else 1)


def _in_force(
    policy_dir: Path | None, code_dir: Path | None, site: str | None, config: Path | None
) -> tuple["Site | None", "PolicySet"]:
    """The site that is named, and its policies by its code tables."""
    from integration.commands.inputs import facts_of, named_site, policies_of

    named = named_site(site, config)
    return named, policies_of(policy_dir, named, facts_of(named, None, code_dir))


def _folders(policy_dir: Path | None, named: "Site | None") -> list[Path]:
    """Where policies of one's own stand: as asked, else the site's."""
    folder = policy_dir or (named.policy_dir if named else None)
    return [folder] if folder else []


def _brief(policy: "Policy") -> dict[str, Any]:
    audience = policy.audience
    return {
        "id": policy.id,
        "version": policy.version,
        "title": policy.title,
        "for": (
            [*(f"{kind}: {payer}" for kind in audience.kinds for payer in audience.payers)]
            or list(audience.kinds)
        ),
        "settings": list(audience.settings),
        "codes": list(audience.codes),
        "from": str(policy.effective.start) if policy.effective.start else None,
        "to": str(policy.effective.end) if policy.effective.end else None,
        "verified": policy.verified,
        "source": policy.source,
        "cases": len(policy.cases),
    }


def _audience(policy: "Policy") -> str:
    start, end = policy.effective.start, policy.effective.end
    dates = [f"from {us_date(start)}"] if start else []
    dates += [f"to {us_date(end)}"] if end else []
    drugs = f" ({', '.join(policy.audience.codes)} only)" if policy.audience.codes else ""
    return (
        f"for {', '.join(_brief(policy)['for'])}{drugs}; places of service:"
        f" {', '.join(policy.audience.settings) or 'any'};"
        f" {' '.join(dates) or 'any date of service'}"
    )


def _base(policy: "Policy") -> str:
    """What its file does not say itself."""
    left_out = f", without {', '.join(policy.without)}" if policy.without else ""
    return f"\nas {policy.base}{left_out}, but for what its file says" if policy.base else ""


def _source(text: str, verified: bool) -> str:
    return text if verified else f"{text} (not verified)"


def _paragraph(title: str, *lines: str) -> None:
    """A heading, and lines below it that wrap with their indent."""
    from rich.padding import Padding
    from rich.text import Text

    console = _console()
    console.print(Text(f"\n{title}", style="bold"))
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 4)))


def _show_results(policy: "Policy", results: list["CaseResult"]) -> None:
    wrong = [result for result in results if not result.passed]
    counted = f"{len(policy.cases)} case{'' if len(policy.cases) == 1 else 's'}"
    right = "all as expected" if results else "nothing tested"
    said = f"{len(wrong)} wrong" if wrong else right
    typer.echo(f"{policy.id} {policy.version}: {counted}, {said}")
    for result in wrong:
        said = f": {result.says}" if result.says else ""
        typer.echo(
            f"  {result.case}: {result.requirement} is {result.found}, expected"
            f" {result.expected}{said}"
        )


def _show_difference(found: "Difference") -> None:
    from integration.wording.words import plural

    for name in found.unused:
        typer.echo(
            f"No chart here has a payer of the policy {name}. A coverage gets it by `payer_aliases`"
            " of the site: the payer's Organization id, identifier or name, with its kind and the"
            " name that stands under `for: payers` (docs/policies.md)."
        )
    total = plural(len(found.lines) + found.unchanged_lines, "line")
    if not found.lines and not found.gaps:
        typer.echo(f"Nothing changes: {total} and every gap stay as they are.")
        return
    typer.echo(f"{len(found.lines)} of {total} would change.")
    for line in found.lines:
        typer.echo(_line(line))
    typer.echo(f"\n{plural(len(found.gaps), 'gap')} would change.")
    for gap in found.gaps:
        typer.echo(_gap(gap))
    before, after = found.money_before, found.money_after
    typer.echo(
        f"\nHeld: ${before.held} before, ${after.held} after ({found.held_more:+}). Ready:"
        f" ${before.ready} before, ${after.ready} after."
    )
    if len(found.by_policy) > 1:
        typer.echo("Of the lines and gaps that would change:")
        for change in found.by_policy:
            typer.echo(_of_policy(change))
    if after.unknown:
        typer.echo(f"Without a known price: {plural(after.unknown, 'line')}.")


def _of_policy(change: "PolicyChange") -> str:
    from integration.wording.words import plural

    before, after = change.money_before, change.money_after
    return (
        f"  {change.policy or 'no payer known'}: {plural(change.lines, 'line')},"
        f" {plural(change.gaps, 'gap')}. Held: ${before.held} before, ${after.held} after. Ready:"
        f" ${before.ready} before, ${after.ready} after."
    )


def _line(change: "LineChange") -> str:
    value = (
        ""
        if change.value_before == change.value_after
        else f", {change.value_after or 'no price'} instead of {change.value_before or 'no price'}"
    )
    doses = ", ".join(change.administrations)
    same = change.before == change.after
    says = (
        [f"    = {change.after}{value}"]
        if same
        else [f"    - {change.before or 'no line'}", f"    + {change.after or 'no line'}{value}"]
    )
    details = [
        f"      {detail.what}: {detail.after or 'none'}, before: {detail.before or 'none'}"
        for detail in change.details
    ]
    return "\n".join([f"  {shown(change.service_date or 'no date')}  {doses}", *says, *details])


def _gap(change: "GapChange") -> str:
    kind = "" if change.blocking else " (a warning)"
    says = (
        f"still {change.after}, for other doses"
        if change.before == change.after
        else f"{change.after or 'no gap'}, before: {change.before or 'no gap'}"
    )
    doses = ", ".join(change.administrations)
    return f"  {change.requirement}{kind}: {says}  {doses}\n    {change.message}"


def _console() -> "Console":
    from integration.terminal.signs import console

    return console()
