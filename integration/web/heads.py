"""What holds of every answer's head: how it may be kept, and that HEAD is answered as GET is.

Held by tests/contract/test_heads.py.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Whatever is answered may be about a patient; what may be kept says so itself.
_USUAL = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Heads:
    """Adds to an answer what its route did not say, and leaves out the body where HEAD asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _USUAL.items():
                    headers.setdefault(name, value)
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"} if is_head else scope, receive, answered)
