"""How large a request may be: counted as it comes in, whatever its Content-Length says.

Held by tests/contract/test_hooks.py.
"""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integration.operating import metrics
from integration.web.problems import answer, code_of


class CountRefusals:
    """Counts every refused request, whoever of us refused it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                # 408 is the answer to a connection that was closed, and counted, before.
                if status != 408 and (400 <= status < 500 or status == 503):
                    metrics.requests_refused.labels(code_of(status)).inc()
            await send(message)

        await self._app(scope, receive, seen if scope["type"] == "http" else send)


class BodyLimit:
    """Answers 413 to a body of more than LIMIT bytes, having read no more than that. LARGER: other
    limits, by path."""

    def __init__(
        self, app: ASGIApp, limit: int, larger: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._app, self._limit, self._larger = app, limit, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], self._limit)
        says = f"The body is larger than {limit} bytes."
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > limit:
            if scope["path"].startswith("/hooks/"):
                metrics.refused.labels("too-large").inc()
            await answer(413, says, headers={"Connection": "close"})(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, says, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)
