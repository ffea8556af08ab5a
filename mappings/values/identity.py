"""Identifiers that stay the same from run to run.

Held by tests/unit/test_identity.py.
"""

from hashlib import sha256


def chosen_id(of: str) -> str:
    """The id that we choose in an EHR for what is of ours: two who both create it write one
    resource (Q23)."""
    return f"fc-{sha256(of.encode()).hexdigest()[:40]}"


def stable_id(kind: str, *parts: str) -> str:
    """An identifier of a line or gap from what makes it the one it is; no patient data can be read
    from it."""
    return sha256("\x1f".join((kind, *parts)).encode()).hexdigest()[:32]
