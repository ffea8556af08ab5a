"""The CDS services answer browsers of any origin, too: nothing of them rests on a cookie, and the
CDS Hooks sandbox is a page in one.

Held by tests/contract/test_cds.py.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class OpenToOrigins:
    """What is below PREFIX may be asked from any page, with the caller's own token."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix
        self._opened = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_below = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await (self._opened if is_below else self._app)(scope, receive, send)
