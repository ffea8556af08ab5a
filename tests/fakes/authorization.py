"""A fake authorization server: SMART configuration and a token endpoint that checks what real ones
check."""

import json
import time
import uuid
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class FakeAuthorization:
    """`uses`: how many requests a token is good for. `jwks`: the client's registered keys.
    `withheld`: types of resources for which it gives no scope, though it was asked."""

    server: HTTPServer
    jwks: dict[str, Any] = field(default_factory=lambda: {"keys": []})
    client_id: str = "ferroclaim"
    secret: str = "s3cret:/+"
    scopes: list[str] | None = None
    withheld: tuple[str, ...] = ()
    capabilities: list[str] = field(default_factory=lambda: ["permission-v2"])
    configuration: dict[str, Any] = field(default_factory=dict)
    expires_in: int | None = 300
    uses: int = 10**9
    clock: float = 0.0  # seconds ahead of the machine's
    bare_400s: int = 0
    given: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _good: dict[str, int] = field(default_factory=dict)
    _jtis: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.token_url = self.server.url_for("/oauth/token")
        self.server.expect_request("/fhir/.well-known/smart-configuration").respond_with_handler(
            self._configured
        )
        self.server.expect_request("/oauth/token", method="POST").respond_with_handler(self._token)

    def accepts(self, request: Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._good.get(token, 0) < 1:
            return False
        self._good[token] -= 1
        return True

    def revoke(self) -> None:
        self._good.clear()

    def _configured(self, request: Request) -> Response:
        said = {
            "token_endpoint": self.token_url,
            "capabilities": self.capabilities,
            **self.configuration,
        }
        if self.scopes is not None:
            said["scopes_supported"] = self.scopes
        return Response(json.dumps(said), content_type="application/json")

    def _token(self, request: Request) -> Response:
        form = request.form.to_dict()
        self.forms.append(form)
        self.headers.append(dict(request.headers))
        if self.bare_400s:
            self.bare_400s -= 1
            return Response("", 400)
        if error := self._refused(request, form):
            return self._answer({"error": error}, 400 if error != "invalid_client" else 401)
        token = uuid.uuid4().hex
        self._good[token] = self.uses
        self.given.append({"token": token, "scope": form["scope"]})
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "bearer",
            "scope": " ".join(
                scope
                for scope in form["scope"].split()
                if not any(f"/{kind}." in scope for kind in self.withheld)
            ),
        }
        return self._answer(
            answer | ({"expires_in": self.expires_in} if self.expires_in is not None else {}), 200
        )

    def _answer(self, body: dict[str, Any], status: int) -> Response:
        return Response(json.dumps(body), status, content_type="application/json")

    def _refused(self, request: Request, form: dict[str, str]) -> str | None:
        if form.get("grant_type") != "client_credentials" or not form.get("scope"):
            return "invalid_request"
        listed = set(self.scopes or [])
        if listed and not set(form["scope"].split()) <= listed:
            return "invalid_scope"
        if "client_assertion" in form:
            return None if self._proven(form) else "invalid_client"
        if "client_secret" in form:
            return (
                None
                if (form.get("client_id"), form["client_secret"]) == (self.client_id, self.secret)
                else "invalid_client"
            )
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        pair = [unquote(part) for part in b64decode(basic).decode().split(":", 1)]
        return None if pair == [self.client_id, self.secret] else "invalid_client"

    def _proven(self, form: dict[str, str]) -> bool:
        """What SMART asks of the assertion."""
        try:
            keys = KeySet.import_key_set(self.jwks)  # type: ignore[arg-type]
            token = jwt.decode(form["client_assertion"], keys, algorithms=["RS384", "ES384"])
        except (JoseError, ValueError):
            return False
        claims, now = token.claims, time.time() + self.clock
        fresh = claims["jti"] not in self._jtis
        self._jtis.add(claims["jti"])
        return (
            form.get("client_assertion_type") == JWT_BEARER
            and token.header.get("typ") == "JWT"
            and bool(token.header.get("kid"))
            and claims["iss"] == claims["sub"] == self.client_id
            and claims["aud"] == self.token_url
            and now < claims["exp"] <= now + 300
            and fresh
        )
