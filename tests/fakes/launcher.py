"""A fake authorization server for people: authorize and token endpoints that check what real ones
check."""

import base64
import hashlib
import json
import secrets
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SIGNING = RSAKey.generate_key(2048, private=True)  # one per run: slow to make
OTHER = RSAKey.generate_key(2048, private=True)


@dataclass
class FakeLauncher:
    """`context` goes into the token response beside the token; `claims` into the id_token; None
    leaves a key out. `more_keys` stand before ours in the JWK set; `token_body` replaces the answer
    of the token endpoint; `refresh_statuses` are what the next renewals are answered with."""

    server: HTTPServer
    redirect_uri: str = "http://127.0.0.1:8000/callback"
    client_id: str = "chart-app"
    method: str = "public"
    secret: str = "s3cret:/+"
    jwks: dict[str, Any] = field(default_factory=lambda: {"keys": []})
    launches: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    token_answer: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=lambda: {"patient": "p1"})
    key: RSAKey = field(default_factory=lambda: SIGNING)
    kid: str | None = "k1"
    more_keys: list[Any] = field(default_factory=list)
    token_body: bytes | None = None
    refresh_statuses: list[int] = field(default_factory=list)
    response_iss: str | None = None
    promises_iss_at: str | None = None  # whose openid-configuration alone says so: fhir or auth
    deny: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    forms: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.base_url = self.server.url_for("/fhir")
        self.issuer = self.server.url_for("/auth")
        self.server.expect_request("/fhir/.well-known/smart-configuration").respond_with_handler(
            self._configured
        )
        self.server.expect_request("/fhir/.well-known/openid-configuration").respond_with_handler(
            self._configured
        )
        self.server.expect_request("/auth/.well-known/openid-configuration").respond_with_handler(
            self._configured
        )
        self.server.expect_request("/auth/authorize").respond_with_handler(self._authorize)
        self.server.expect_request("/auth/token", method="POST").respond_with_handler(self._token)
        self.server.expect_request("/auth/keys").respond_with_handler(self._keys)

    def new_launch(self, **context: Any) -> str:
        """A launch of the EHR, as its `launch` parameter."""
        token = secrets.token_urlsafe(16)
        self.launches[token] = context or dict(self.context)
        return token

    def accepts(self, request: Request) -> bool:
        """For `FakeEhr`: whether a request carries a token of ours."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens

    def _configured(self, request: Request) -> Response:
        said = {
            "issuer": self.issuer,
            "jwks_uri": "../auth/keys",  # relative to the FHIR base
            "authorization_endpoint": self.server.url_for("/auth/authorize"),
            "token_endpoint": self.server.url_for("/auth/token"),
            "capabilities": [
                "launch-ehr",
                "launch-standalone",
                "sso-openid-connect",
                "permission-v2",
            ],
            "code_challenge_methods_supported": ["S256"],
            **self.configuration,
        }
        if request.path.endswith(f"{self.promises_iss_at}/.well-known/openid-configuration"):
            said["authorization_response_iss_parameter_supported"] = True
        if "openid-configuration" in request.path:
            said["issuer"] = self.issuer
            said["jwks_uri"] = self.server.url_for("/auth/keys")
        return _json({key: value for key, value in said.items() if value is not None})

    def _authorize(self, request: Request) -> Response:
        asked = request.args.to_dict()
        self.asked.append(asked)
        if (
            asked.get("client_id") != self.client_id
            or asked.get("redirect_uri") != self.redirect_uri
        ):
            return self._no("unknown client or redirect_uri")
        back = {"state": asked.get("state", "")}
        problem = self._problem(asked)
        if problem or self.deny:
            self.refused.append(problem or str(self.deny))
            return Response(
                "",
                302,
                {
                    "Location": (
                        f"{self.redirect_uri}?"
                        + urlencode({"error": self.deny or "invalid_request", **back})
                    )
                },
            )
        code = secrets.token_urlsafe(16)
        context = self.launches.get(
            asked.get("launch", ""), {} if "launch" in asked else self.context
        )
        self._codes[code] = {**asked, "context": context}
        back |= {"code": code} | ({"iss": self.response_iss} if self.response_iss else {})
        return Response("", 302, {"Location": f"{self.redirect_uri}?{urlencode(back)}"})

    def _problem(self, asked: dict[str, str]) -> str | None:
        checks = {
            "response_type": asked.get("response_type") == "code",
            "state of 122 bits": len(asked.get("state", "")) >= 22,
            "PKCE with S256": (
                asked.get("code_challenge_method") == "S256"
                and len(asked.get("code_challenge", "")) == 43
            ),
            "aud": asked.get("aud", self.base_url) == self.base_url,
            "launch": (
                asked.get("launch") in self.launches
                if "launch" in asked
                else "launch" not in asked.get("scope", "").split()
            ),
            "scope": "openid" in asked.get("scope", "").split(),
        }
        return next((name for name, good in checks.items() if not good), None)

    def _token(self, request: Request) -> Response:
        form = request.form.to_dict()
        self.forms.append(form)
        if problem := self._client_problem(request, form):
            self.refused.append(problem)
            return _json({"error": "invalid_client"}, 401)
        if self.token_body is not None:
            return Response(self.token_body, content_type="application/json")
        if form.get("grant_type") == "refresh_token" and self.refresh_statuses:
            return Response("", self.refresh_statuses.pop(0))
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") not in self._refresh:
                return _json({"error": "invalid_grant"}, 400)
            self._refresh.discard(form["refresh_token"])
            return _json(self._granted({"scope": "openid", "context": {}}, with_id=False))
        asked = self._codes.pop(form.get("code", ""), None)
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge(form.get("code_verifier", "")) != asked["code_challenge"]
        ):
            self.refused.append("code, redirect_uri or code_verifier")
            return _json({"error": "invalid_grant"}, 400)
        return _json(self._granted(asked, with_id=True))

    def _granted(self, asked: dict[str, Any], *, with_id: bool) -> dict[str, Any]:
        token, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.tokens.add(token)
        self._refresh.add(refresh)
        answer = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 3600,
            "scope": asked["scope"],
            "refresh_token": refresh,
            "x-unknown": {"ignored": True},
            **asked["context"],
            **({"id_token": self.id_token(asked.get("nonce"))} if with_id else {}),
            **self.token_answer,
        }
        return {key: value for key, value in answer.items() if value is not None}

    def id_token(self, nonce: str | None) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "fhirUser": f"{self.base_url}/Practitioner/dr-1",
            "name": "Dr. Rivera",
            **self.claims,
        }
        header = {"alg": "RS256"} | ({"kid": self.kid} if self.kid else {})
        return jwt.encode(
            header, {key: value for key, value in claims.items() if value is not None}, self.key
        )

    def _client_problem(self, request: Request, form: dict[str, str]) -> str | None:
        basic = request.headers.get("Authorization", "")
        if self.method == "public":
            return (
                None
                if form.get("client_id") == self.client_id and not basic
                else "a public client names itself in the form"
            )
        if "client_id" in form and self.method != "client_secret_post":
            return "a confidential client leaves client_id out"
        if self.method == "client_secret_basic":
            pair = [
                unquote(part)
                for part in b64decode(basic.removeprefix("Basic ")).decode().split(":", 1)
            ]
            return None if pair == [self.client_id, self.secret] else "wrong secret"
        if self.method == "client_secret_post":
            return (
                None
                if (form.get("client_id"), form.get("client_secret"))
                == (self.client_id, self.secret)
                else "wrong secret"
            )
        try:
            found = jwt.decode(
                form["client_assertion"],
                KeySet.import_key_set(self.jwks),  # type: ignore[arg-type]
                algorithms=["RS384", "ES384"],
            ).claims
        except (JoseError, ValueError, KeyError):
            return "no proof by a registered key"
        fits = found["iss"] == found["sub"] == self.client_id and found[
            "aud"
        ] == self.server.url_for("/auth/token")
        return (
            None
            if fits and found["exp"] <= time.time() + 300
            else "an assertion for something else"
        )

    def _keys(self, request: Request) -> Response:
        public = SIGNING.as_dict(private=False)
        return _json(
            {
                "keys": [
                    *self.more_keys,
                    {**public, "use": "sig", "alg": "RS256"}
                    | ({"kid": self.kid} if self.kid else {}),
                ]
            }
        )

    def _no(self, why: str) -> Response:
        self.refused.append(why)
        return Response(why, 400)


def challenge(verifier: str) -> str:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
