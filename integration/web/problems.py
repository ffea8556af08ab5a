"""One shape for every error that the service answers: `{"error": {"code", "message", "fix"}}`,
never a patient's data.

Held by tests/contract/test_api.py.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from integration.errors import FerroclaimError
from integration.operating.logs import where

log = structlog.get_logger()

_LATER = {"Retry-After": "10"}
_CODES = {
    400: "bad-request",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    412: "not-enough-data",
    413: "too-large",
    415: "unsupported-type",
    422: "not-usable",
    429: "too-many",
    431: "too-large",
    500: "internal",
    503: "unavailable",
}


class ApiProblem(Exception):
    """An answer other than success. MESSAGE and FIX are for the caller: a sentence each."""

    def __init__(
        self,
        status: int,
        message: str,
        fix: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.message, self.fix, self.headers = status, message, fix, headers
        super().__init__(message)


def code_of(status: int) -> str:
    return _CODES.get(status, f"status-{status}")


def answer(
    status: int, message: str, fix: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    error: dict[str, Any] = {"code": code_of(status), "message": message}
    return JSONResponse({"error": error | ({"fix": fix} if fix else {})}, status, headers)


# What a request may end with; whatever else does is a fault of ours.
KNOWN = (ApiProblem, HTTPException, ClientDisconnect, FerroclaimError)


def answer_to(error: Exception) -> JSONResponse:
    """The answer to one of KNOWN."""
    if isinstance(error, ApiProblem):
        return answer(error.status, error.message, error.fix, error.headers)
    if isinstance(error, HTTPException):
        return answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))
    if isinstance(error, ClientDisconnect):
        return answer(408, "The request did not arrive whole.")
    later = isinstance(error, FerroclaimError) and error.retryable
    return answer(503 if later else 409, str(error), headers=_LATER if later else None)


async def _known(_: Request, error: Exception) -> JSONResponse:
    return answer_to(error)


def _place(problem: dict[str, Any]) -> str:
    """Which field, and what it may be where that is a list; not what stood in it."""
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place} (there is no such parameter)"
    if problem["type"] == "literal_error":
        return f"{place} (one of {problem['ctx']['expected']})"
    return place


def install(app: FastAPI) -> None:
    for kind in KNOWN:
        app.add_exception_handler(kind, _known)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        """Which fields, not what stood in them."""
        problems = error.errors()
        if any(
            problem["type"] == "json_invalid" or problem["loc"] == ("body",) for problem in problems
        ):
            return answer(
                400,
                "The body is not a JSON object, sent as application/json.",
                "See /docs for what is expected.",
            )
        places = ", ".join(map(_place, problems))
        return answer(
            422, f"The request is not usable: {places}.", "See /docs for what is expected."
        )

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        route = request.scope.get("route")
        log.error(
            "unexpected error",
            route=getattr(route, "path", None),
            error=type(error).__name__,
            where=where(error),
        )
        return answer(500, "Something went wrong here. It was logged.")
