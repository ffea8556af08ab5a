"""How large a request may be: counted as it comes in, whatever its Content-Length says."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integration.web.problems import answer


class BodyLimit:
    """Answers 413 to a body of more than LIMIT bytes, having read no more than that."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self._limit:
            await answer(413, self._says, headers={"Connection": "close"})(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise HTTPException(413, self._says, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)

    @property
    def _says(self) -> str:
        return f"The body is larger than {self._limit} bytes."
