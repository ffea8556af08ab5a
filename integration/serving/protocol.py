"""How long a request may take to arrive, how large its head may be, and how many may be on their
way: held in the process itself, whatever stands before it.

Held by tests/contract/test_slow_and_many.py.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from integration.configuration.service import Service
from integration.operating import descriptors, metrics
from integration.web.problems import answer

MOST_HEAD_BYTES = 65_536
# Descriptors for everything else: database, EHRs, files, what a library opens for a moment.
KEPT_DESCRIPTORS = 192


@dataclass(frozen=True)
class Reason:
    """Why a connection is closed: the status, the reason that is counted, the sentence."""

    status: int
    code: str
    says: str


SLOW_HEAD = Reason(408, "slow-head", "The head of the request did not arrive in time.")
SLOW_BODY = Reason(408, "slow-body", "The body of the request did not arrive in time.")
LARGE_HEAD = Reason(431, "large-head", f"The head is larger than {MOST_HEAD_BYTES} bytes.")
CROWDED = Reason(503, "crowded", "Too many requests are on their way. Try again.")


class Crowd:
    """Who is connected to this process, and who of them has sent no whole request, longest first.

    Where there are too many, the one that has been on its way the longest gives place: a request
    that arrives whole at once is always taken.
    """

    def __init__(self, connections: int, half_sent: int) -> None:
        self.connections, self.half_sent = connections, half_sent
        self._everybody: set[Guarded] = set()
        self._waiting: dict[Guarded, None] = {}

    def enters(self, who: "Guarded") -> None:
        self._everybody.add(who)
        self.waits(who)
        if len(self._everybody) > self.connections:
            next(iter(self._waiting)).refuse(CROWDED)

    def waits(self, who: "Guarded") -> None:
        self._waiting.setdefault(who)
        if len(self._waiting) > self.half_sent:
            next(iter(self._waiting)).refuse(CROWDED)

    def is_served(self, who: "Guarded") -> None:
        self._waiting.pop(who, None)

    def leaves(self, who: "Guarded") -> None:
        self._everybody.discard(who)
        self._waiting.pop(who, None)


class Config(uvicorn.Config):
    """uvicorn's, with the limits of SERVICE."""

    def __init__(self, app: Any, service: Service) -> None:
        super().__init__(
            app,
            http=Guarded,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        room = max(16, descriptors.raised() - KEPT_DESCRIPTORS)
        self.service = service
        self.crowd = Crowd(min(service.connections, room), min(service.half_sent, room // 2))


class Guarded(HttpToolsProtocol):
    """A connection."""

    config: Config

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._crowd = self.config.crowd
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes: int | None = 0  # None: it has come
        self._whole = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(self.config.service.head_seconds, SLOW_HEAD)
        self._crowd.enters(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._crowd.leaves(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > MOST_HEAD_BYTES:
            self.refuse(LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._whole = False
        self._head_bytes = self._head_bytes or 0
        if self._timer is None:
            self._within(self.config.service.head_seconds, SLOW_HEAD)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._within(self.config.service.body_seconds, SLOW_BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop()
        self._whole = True
        self._crowd.is_served(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._whole and not self.transport.is_closing():
            self._head_bytes = 0
            self._crowd.waits(self)

    def send_400_response(self, msg: str) -> None:
        metrics.requests_refused.labels("not-http").inc()
        super().send_400_response(msg)

    def refuse(self, reason: Reason) -> None:
        """Says why, where no answer has begun, and closes."""
        self._stop()
        self._crowd.leaves(self)
        if self.transport.is_closing():
            return
        metrics.requests_refused.labels(reason.code).inc()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_raw(reason))
        self.transport.close()

    def _within(self, seconds: float, otherwise: Reason) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self.refuse, otherwise)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _raw(reason: Reason) -> bytes:
    body = bytes(answer(reason.status, reason.says).body)
    head = (
        f"HTTP/1.1 {reason.status} \r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
