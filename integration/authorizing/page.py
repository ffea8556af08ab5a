"""Requests as sheets to read, print and fax.

Held by tests/contract/test_prior_auth.py.
"""

from typing import NamedTuple

from markupsafe import Markup

from integration.authorizing.charts import AuthorizationCharts
from integration.wording import words
from integration.wording.authorizations import NOTHING
from integration.wording.templates import templates_of
from mappings import codes
from mappings.assessment import WORST_FIRST, Finding
from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import doses
from mappings.policy.choosing import PolicySet
from mappings.requirements import quoting
from mappings.values.us_dates import us_date


def _zip(code: str) -> str:
    """`43215-0001` of nine digits."""
    return f"{code[:5]}-{code[5:]}" if len(code) == 9 else code


_templates = templates_of("integration.authorizing")
_templates.filters |= {"day": us_date, "zip": _zip}


class Criterion(NamedTuple):
    """What a payer wants, in words."""

    title: str
    says: str
    fix: str
    asks: str
    is_open: bool


def page(found: AuthorizationCharts) -> str:
    """One page of HTML that needs nothing else, a sheet for each request."""
    sheets = [sheet(request, found) for request in found.requests]
    return _templates.get_template("page.html").render(sheets=sheets, nothing=NOTHING)


def sheet(request: AuthorizationRequest, found: AuthorizationCharts) -> Markup:
    """One request of FOUND."""
    order = request.course.order
    row = codes.settings().by_code.get(request.draft.place_of_service)
    made = _templates.get_template("request.html").render(
        request=request,
        name=found.names.get(request.patient) or "not known",
        doses=doses(request),
        order=quoting.order(order, found.facts.zone) if order else "",
        place=f"{row.code} ({row.name})" if row else request.draft.place_of_service,
        criteria=[_criterion(one, found.policies) for one in request.applying],
        as_of=words.at(found.asking.as_of, found.facts.time_zone),
    )
    return Markup(made)  # noqa: S704 (escaped by the template)


def _criterion(found: Finding, policies: PolicySet) -> Criterion:
    return Criterion(
        words.title(found.requirement),
        found.says or "",
        found.fix or "",
        words.payer_asks(found, policies.named(found.decided_by)) if _is_theirs(found) else "",
        found.state in WORST_FIRST,
    )


def _is_theirs(found: Finding) -> bool:
    """What we ask ourselves is no news for the payer."""
    return found.asked is not None and found.asked.of_payer
