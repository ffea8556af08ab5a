"""A browser without a screen: cookies, redirects between our service and the fake authorization
server, forms."""

import re
from html import unescape
from typing import Any

import requests
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

PUBLIC_URL = "https://app.example.test"


class Browser:
    """One person's browser, with our service at PUBLIC_URL."""

    def __init__(self, app: FastAPI) -> None:
        self.client = TestClient(
            app, base_url=PUBLIC_URL, follow_redirects=False, raise_server_exceptions=False
        )
        self.visited: list[str] = []

    def get(self, path: str, **parts: Any) -> Response:
        """Follows redirects, to the authorization server and back, like a browser."""
        response = self.client.get(path, **parts)
        for _ in range(8):
            if response.status_code not in (302, 303):
                break
            response = self._followed(response.headers["location"])
        return response

    def _followed(self, location: str) -> Response:
        self.visited.append(location)
        if not location.startswith(("/", PUBLIC_URL)):
            location = self.authorized(location)
            self.visited.append(location)
        return self.client.get(location)

    def authorized(self, location: str) -> str:
        """Where the authorization server sends the browser back to."""
        answer = requests.get(location, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def post(self, page: Response, action: str, **fields: str) -> Response:
        """Sends the first form of PAGE whose action ends so, with its hidden fields."""
        form = next(
            f
            for f in re.findall(r"<form[^>]*>.*?</form>", page.text, re.DOTALL)
            if re.search(rf'action="[^"]*{action}"', f)
        )
        hidden = {
            unescape(k): unescape(v)
            for k, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
        }
        found = re.search(r'action="([^"]*)"', form)
        assert found
        return self.send(found[1], data=hidden | fields)

    def send(self, path: str, **parts: Any) -> Response:
        """Posts a form, and shows the page that it leads to: one of its own, so that a reload sends
        nothing again."""
        response = self.client.post(path, **parts)
        assert response.status_code != 200 or path == "/sign-out"
        return self.get(response.headers["location"]) if response.status_code == 303 else response
