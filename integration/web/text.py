"""Text that comes with a request: what no database and no page can hold is refused before anybody
uses it.

Held by tests/contract/test_launch.py.
"""

from typing import Annotated, Any

from fastapi import Body, Request
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from integration.web.problems import ApiProblem, answer
from mappings.reading.fhir.decoding import cleaned, is_text

_SAYS = "The request holds a character that is not text (U+0000 or half of a surrogate pair)."
_FIX = "Leave it out."
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

# A JSON object as an EHR sends it; broken text in it costs the resource that it stands in.
JsonBody = Annotated[dict[str, Any], Body(), BeforeValidator(cleaned)]


class TextOnly:
    """Answers 400 to an address whose path or query holds what is no text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope.get("query_string", b"")
        if scope["type"] != "http" or (
            is_text(scope["path"]) and b"%00" not in query and b"\0" not in query
        ):
            await self._app(scope, receive, send)
            return
        await answer(400, _SAYS, _FIX)(scope, receive, send)


def content_type(request: Request) -> str:
    """As the request says it, without parameters; empty without one."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def refuse_broken_form(request: Request) -> None:
    """Raises `Problem` 422. Starlette keeps the form that it has read, so the route's own fields
    are not read twice."""
    if content_type(request) not in _FORMS:
        return
    for name, value in (await request.form()).multi_items():
        if not is_text(name) or (isinstance(value, str) and not is_text(value)):
            raise ApiProblem(422, _SAYS, _FIX)
