"""Tokens at rest: sealed with a key that is not in the database.

Held by tests/unit/test_vault.py.
"""

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from integration.errors import ConfigurationError

KEY_BYTES = 32


class Vault:
    """AES-256-GCM in a JWE. Each seal names what it belongs to, so that none can be moved to
    another row."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    @classmethod
    def in_folder(cls, folder: Path) -> "Vault":
        """With the key in FOLDER, made at the first use and readable by its owner alone."""
        file = folder / "session.key"
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            handle, made = tempfile.mkstemp(dir=folder, prefix=file.name)  # mkstemp makes it 0600
            with os.fdopen(handle, "wb") as out:
                out.write(secrets.token_bytes(KEY_BYTES))
            with contextlib.suppress(
                FileExistsError
            ):  # another process was quicker: its key is everybody's
                os.link(made, file)
            Path(made).unlink()
        return cls(_read(file))

    def seal(self, owner: str, secret: dict[str, Any]) -> str:
        text = json.dumps({"owner": owner, "secret": secret}).encode()
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, text, self._key)

    def open(self, owner: str, sealed: str) -> dict[str, Any]:
        """What was sealed for OWNER; nothing where it was not, or the key has changed: then one
        signs in again."""
        try:
            held = json.loads(jwe.decrypt_compact(sealed, self._key).plaintext or b"{}")
        except (JoseError, ValueError):
            return {}
        return dict(held["secret"]) if held.get("owner") == owner else {}


def _read(file: Path) -> bytes:
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{file} is not a session key of {KEY_BYTES} bytes; remove it, and everybody signs in"
            " again."
        )
    return key
