"""A real FHIR server behind the fake authorization server: only requests with a token of the
launcher pass."""

import re

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes.launcher import FakeLauncher

PASSED_ON = ("accept", "content-type", "if-match", "if-none-exist", "prefer", "cache-control")


class GuardedServer:
    """Stands where the EHR stands; REAL is the FHIR base behind it."""

    def __init__(self, server: HTTPServer, real: str, launcher: FakeLauncher) -> None:
        self.base_url, self._real, self._launcher = server.url_for("/fhir"), real, launcher
        self.session = requests.Session()
        server.expect_request(re.compile(r"/fhir(/.*)?")).respond_with_handler(self._passed)

    def _passed(self, request: Request) -> Response:
        path = request.full_path.rstrip("?").removeprefix("/fhir")
        if path != "/metadata" and not self._launcher.accepts(request):
            return Response(status=401)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() in PASSED_ON
        }
        answer = requests.request(
            request.method, self._real + path, data=request.get_data(), headers=headers, timeout=60
        )
        text = answer.content.replace(self._real.encode(), self.base_url.encode())
        kept = {
            name: value.replace(self._real, self.base_url)
            for name, value in answer.headers.items()
            if name in ("ETag", "Location", "Date")
        }
        return Response(
            text, answer.status_code, kept, content_type=answer.headers.get("Content-Type", "")
        )
