"""Secrets at rest: opened by their owner's row only, and by nobody with another key."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integration.errors import ConfigurationError
from integration.smart.vault import Vault


def test_what_is_sealed_opens_for_its_owner_alone(tmp_path: Path) -> None:
    vault = Vault.in_folder(tmp_path)
    sealed = vault.seal("launch-1", {"access": "t0ken"})
    assert "t0ken" not in sealed
    assert vault.open("launch-1", sealed) == {"access": "t0ken"}
    assert vault.open("launch-2", sealed) == {}
    assert vault.open("launch-1", sealed[:-3] + "abc") == {}
    assert Vault.in_folder(tmp_path).open("launch-1", sealed) == {"access": "t0ken"}
    assert Vault.in_folder(tmp_path / "other").open("launch-1", sealed) == {}


def test_the_key_is_its_owners_and_one_for_all_processes(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault.in_folder(tmp_path), range(8)))
    sealed = vaults[0].seal("x", {"a": 1})
    assert all(vault.open("x", sealed) == {"a": 1} for vault in vaults)
    assert stat.S_IMODE((tmp_path / "session.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["session.key"]


def test_a_broken_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match=r"session\.key"):
        Vault.in_folder(tmp_path)
