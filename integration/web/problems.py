"""One shape for every error that the service answers: `{"error": {"code", "message", "fix"}}`,
never a patient's data."""

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

_CODES = {
    400: "bad-request",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
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


def install(app: FastAPI) -> None:
    @app.exception_handler(ApiProblem)
    async def _problem(_: Request, problem: ApiProblem) -> JSONResponse:
        return answer(problem.status, problem.message, problem.fix, problem.headers)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(ClientDisconnect)
    async def _gone(_: Request, __: ClientDisconnect) -> JSONResponse:
        return answer(408, "The request did not arrive whole.")

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        """Which fields, not what stood in them."""
        problems = error.errors()
        if any(
            problem["type"] == "json_invalid" or problem["loc"] == ("body",) for problem in problems
        ):
            return answer(400, "The body is not a JSON object.", "See /docs for what is expected.")
        places = [".".join(str(part) for part in problem["loc"]) for problem in problems]
        return answer(
            422,
            f"The request is not usable: {', '.join(places)}.",
            "See /docs for what is expected.",
        )

    @app.exception_handler(FerroclaimError)
    async def _ours(_: Request, error: FerroclaimError) -> JSONResponse:
        return answer(
            503 if error.retryable else 409,
            str(error),
            headers={"Retry-After": "10"} if error.retryable else None,
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
