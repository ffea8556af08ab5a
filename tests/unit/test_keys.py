"""Our keys: made, kept, rotated and published."""

import json
import stat
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from typer.testing import CliRunner

from integration.cli import app
from integration.ehr.transport.keys import Algorithm, Keyring, algorithm_of, generate, jwks_of
from integration.errors import ConfigurationError

ALGORITHMS: list[Algorithm] = ["RS384", "ES384"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_we_sign_is_verified_by_what_we_publish(algorithm: Algorithm, tmp_path: Path) -> None:
    Keyring((generate(algorithm),)).save(tmp_path / "k.json")
    ring = Keyring.load(tmp_path / "k.json")
    key = ring.signing()
    assert algorithm_of(key) == algorithm
    token = jwt.encode(
        {"alg": algorithm, "kid": key.kid}, {"sub": "x"}, key, algorithms=[algorithm]
    )
    published = KeySet.import_key_set(json.loads(json.dumps(ring.jwks())))
    assert jwt.decode(token, published, algorithms=[algorithm]).claims == {"sub": "x"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_private_is_published(algorithm: Algorithm) -> None:
    (key,) = Keyring((generate(algorithm),)).jwks()["keys"]
    assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi"}
    assert {"kty", "kid", "alg", "use"} <= key.keys()


def test_a_rotation_signs_with_the_new_key_and_lists_both(tmp_path: Path) -> None:
    old = Keyring((generate("ES384", now=1000),))
    old.with_new("RS384", now=2000).save(tmp_path / "k.json")
    both = Keyring.load(tmp_path / "k.json")
    assert algorithm_of(both.signing()) == "RS384"
    assert [key["kid"] for key in both.jwks()["keys"]] == [both.signing().kid, old.signing().kid]
    assert both.signing(old.signing().kid).kid == old.signing().kid
    assert both.without(str(old.signing().kid)).jwks()["keys"] == [both.jwks()["keys"][0]]


def test_the_last_key_stays() -> None:
    ring = Keyring((generate(),))
    with pytest.raises(ConfigurationError, match="The last key cannot be retired"):
        ring.without(str(ring.signing().kid))
    with pytest.raises(ConfigurationError, match="There is no key with the id 'x'"):
        ring.without("x")


def test_a_file_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"\xff")
    for work, said in (
        (lambda: Keyring.load(tmp_path / "none.json"), "none.json: No such file or directory."),
        (lambda: Keyring.load(tmp_path / "taken"), "taken is neither JSON nor PEM."),
        (
            lambda: Keyring((generate(),)).save(tmp_path / "taken" / "k.json"),
            "Cannot write the key file .*k.json",
        ),
    ):
        with pytest.raises(ConfigurationError, match=said):
            work()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Keyring((generate(),)).save(tmp_path / "new" / "k.json")
    assert stat.S_IMODE((tmp_path / "new" / "k.json").stat().st_mode) == 0o600
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["k.json"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_pem_will_do(algorithm: Algorithm, tmp_path: Path) -> None:
    key = generate(algorithm)
    (tmp_path / "k.pem").write_bytes(key.as_pem(private=True))
    ring = Keyring.load(tmp_path / "k.pem")
    assert ring.signing().kid == key.kid
    assert ring.signing().is_private


def test_several_sites_keys_are_one_document() -> None:
    one, other = Keyring((generate(),)), Keyring((generate(),))
    assert len(jwks_of([one, other, one])["keys"]) == 2


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"keys": []}', "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", "[1]"],
)
def test_what_is_no_key_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "k.json").write_text(text)
    with pytest.raises(
        ConfigurationError, match="holds no private key; make one with `ferroclaim keys new`"
    ):
        Keyring.load(tmp_path / "k.json")


@pytest.mark.parametrize(
    "document", [Keyring((generate(),)).jwks(), {"keys": [OctKey.generate_key().as_dict()]}]
)
def test_public_and_symmetric_keys_are_refused(document: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "k.json").write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match="holds no private key"):
        Keyring.load(tmp_path / "k.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Cannot read the key file"):
        Keyring.load(tmp_path / "none.json")


def test_a_curve_that_smart_does_not_name() -> None:
    from joserfc.jwk import ECKey

    with pytest.raises(ConfigurationError, match=r"is on P-256; SMART requires P-384 or RSA"):
        algorithm_of(ECKey.generate_key("P-256"))


def test_a_key_is_made_published_and_retired_by_command(tmp_path: Path) -> None:
    file = str(tmp_path / "k.json")
    made = [CliRunner().invoke(app, ["keys", "new", file]).stdout.strip() for _ in range(2)]
    listed = CliRunner().invoke(app, ["keys", "list", file]).stdout.splitlines()
    assert [line.split() for line in listed] == [[kid, "ES384"] for kid in reversed(made)]
    published = json.loads(CliRunner().invoke(app, ["keys", "jwks", file]).stdout)
    assert {key["kid"] for key in published["keys"]} == set(made)
    assert not any("d" in key for key in published["keys"])
    assert CliRunner().invoke(app, ["keys", "retire", file, made[0]]).exit_code == 0
    assert [key["kid"] for key in Keyring.load(tmp_path / "k.json").jwks()["keys"]] == made[1:]


def test_a_key_is_retired_whose_id_begins_with_a_hyphen(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    old, new = (generate().as_dict(private=True) for _ in range(2))
    file.write_text(json.dumps({"keys": [new, old | {"kid": "-BwdR_XK3"}]}))
    assert CliRunner().invoke(app, ["keys", "retire", str(file), "-BwdR_XK3"]).exit_code == 0
    assert [key["kid"] for key in Keyring.load(file).jwks()["keys"]] == [new["kid"]]
