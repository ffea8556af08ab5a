"""The keys we sign with: a JWK set in a file, old and new side by side while an EHR still knows the
old one.

Held by tests/unit/test_keys.py.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

from integration.errors import ConfigurationError

log = structlog.get_logger()

Algorithm = Literal["RS384", "ES384"]
RSA_BITS = 3072
Key = RSAKey | ECKey


def generate(algorithm: Algorithm = "ES384", now: float | None = None) -> Key:
    """A fresh private key; `iat` says when it was made, `kid` is its thumbprint (RFC 7638)."""
    about: KeyParameters = {"use": "sig", "alg": algorithm}
    key: Key = (
        RSAKey.generate_key(RSA_BITS, about, private=True)
        if algorithm == "RS384"
        else ECKey.generate_key("P-384", about, private=True)
    )
    made = int(time.time() if now is None else now)
    named: dict[str, Any] = {**key.as_dict(private=True), "kid": key.thumbprint(), "iat": made}
    return type(key).import_key(named)


def algorithm_of(key: Key) -> Algorithm:
    """RS384 for RSA, ES384 for P-384: the two that SMART App Launch 2.2 names."""
    if isinstance(key, RSAKey):
        return "RS384"
    if key.curve_name == "P-384":
        return "ES384"
    raise ConfigurationError(
        f"The key {key.kid or '(without kid)'} is on {key.curve_name}; SMART requires P-384 or RSA."
    )


@dataclass(frozen=True)
class Keyring:
    """The private keys of a file, newest first."""

    keys: tuple[Key, ...]

    @classmethod
    def load(cls, file: Path) -> "Keyring":
        """A JWK set, a single JWK or a PEM."""
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"Cannot read the key file {file}: {error.strerror}."
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"The key file {file} is neither JSON nor PEM.") from None
        try:
            keys = (
                [_from_pem(text)]
                if text.lstrip().startswith("-----")
                else _from_json(json.loads(text))
            )
        except (ValueError, LookupError, TypeError, JoseError):
            raise ConfigurationError(
                f"{file} holds no private key; make one with `ferroclaim keys new`."
            ) from None
        if not keys or not all(key.is_private for key in keys):
            raise ConfigurationError(
                f"{file} holds no private key; make one with `ferroclaim keys new`."
            )
        return cls(tuple(sorted(keys, key=lambda key: -int(str(key.as_dict().get("iat", 0))))))

    def signing(self, key_id: str | None = None) -> Key:
        """The key named, else the newest."""
        return self.that_sign(key_id)[0]

    def that_sign(self, key_id: str | None = None) -> tuple[Key, ...]:
        """The key named alone; else all, the newest first: of an older one an EHR knows already."""
        found = tuple(key for key in self.keys if key_id in (None, key.kid))
        if not found:
            raise ConfigurationError(
                f"The key file has no key with the id {key_id!r}; correct auth.key_id."
            )
        return found

    def with_new(self, algorithm: Algorithm, now: float | None = None) -> "Keyring":
        """Rotation: the new key signs, the old ones stay in the JWKS until they are retired."""
        return Keyring((generate(algorithm, now), *self.keys))

    def without(self, key_id: str) -> "Keyring":
        kept = tuple(key for key in self.keys if key.kid != key_id)
        if len(kept) == len(self.keys):
            raise ConfigurationError(f"There is no key with the id {key_id!r}.")
        if not kept:
            raise ConfigurationError("The last key cannot be retired; make a new one first.")
        return Keyring(kept)

    def save(self, file: Path) -> None:
        """Readable by its owner alone, and whole at every moment."""
        text = json.dumps({"keys": [key.as_dict(private=True) for key in self.keys]}, indent=1)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # it makes it 0600
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text + "\n")
            Path(name).replace(file)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot write the key file {file}: {error.strerror}."
            ) from None

    def jwks(self) -> dict[str, Any]:
        """What we publish: public parts only."""
        return {
            "keys": [
                {**key.as_dict(private=False), "alg": algorithm_of(key), "use": "sig"}
                for key in self.keys
            ]
        }


class KnownKeys:
    """Key files as they were when they could last be read: a file that is away for a moment (a
    secret that is mounted anew) must not take from EHRs the keys by which they know us.

    `refused`: the ids of keys that an EHR did not know."""

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._files = sorted(set(files))
        self._last: dict[Path, Keyring] = {}
        self.refused: set[str] = set()
        self.rings()

    def rings(self) -> list[Keyring]:
        """Those of every file, as it is now or was before; without those never read."""
        for file in self._files:
            with suppress(ConfigurationError):
                self.ring(file)
        return list(self._last.values())

    def ring(self, file: Path) -> Keyring:
        """That of FILE, as it is now or was before; ConfigurationError where it was never read."""
        try:
            self._last[file] = Keyring.load(file)
        except ConfigurationError as error:
            log.error("keys", error=str(error), kept=file in self._last)
            if file not in self._last:
                raise
        return self._last[file]


def jwks_of(rings: list[Keyring]) -> dict[str, Any]:
    """One document for several sites' keys, each key once."""
    return {
        "keys": list({key["kid"]: key for ring in rings for key in ring.jwks()["keys"]}.values())
    }


def _from_json(document: dict[str, Any]) -> list[Key]:
    single = {"keys": [document]} if "kty" in document else document
    known = KeySet.import_key_set(single).keys  # type: ignore[arg-type]
    return [_named(key) for key in known if isinstance(key, RSAKey | ECKey)]


def _from_pem(text: str) -> Key:
    try:
        return _named(RSAKey.import_key(text))
    except (ValueError, JoseError):
        return _named(ECKey.import_key(text))


def _named(key: Key) -> Key:
    return (
        key
        if key.kid
        else type(key).import_key({**key.as_dict(private=key.is_private), "kid": key.thumbprint()})
    )
