"""Secrets that are encrypted at rest."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from service.encryption import Encryption, UnreadableSecretError
from service.settings import Settings

OLD, NEW = bytes(32), bytes(range(32))
PURPOSE = b"for a test"


def test_what_is_encrypted_is_read_by_its_key_for_its_purpose_alone() -> None:
    encryption = Encryption([NEW])
    encrypted = encryption.encrypt("s3cret", PURPOSE)
    assert encryption.decrypt(encrypted, PURPOSE) == "s3cret"
    assert b"s3cret" not in encrypted
    assert encryption.encrypt("s3cret", PURPOSE) != encrypted
    for other, purpose in ((Encryption([NEW]), b"for another"), (Encryption([OLD]), PURPOSE)):
        with pytest.raises(UnreadableSecretError):
            other.decrypt(encrypted, purpose)


def test_what_was_changed_is_not_read() -> None:
    encryption = Encryption([NEW])
    encrypted = encryption.encrypt("s3cret", PURPOSE)
    for place in range(len(encrypted)):
        spoiled = bytearray(encrypted)
        spoiled[place] ^= 1
        for damaged in (bytes(spoiled), encrypted[:place]):
            with pytest.raises(UnreadableSecretError):
                encryption.decrypt(damaged, PURPOSE)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    before = Encryption([OLD]).encrypt("s3cret", PURPOSE)
    both = Encryption([NEW, OLD])
    assert both.decrypt(before, PURPOSE) == "s3cret"
    assert Encryption([NEW]).decrypt(both.encrypt("s3cret", PURPOSE), PURPOSE) == "s3cret"


@pytest.mark.parametrize(
    ("setting", "keys"),
    [
        (OLD.hex(), [OLD]),
        (f" {NEW.hex().upper()} , {OLD.hex()} ", [NEW, OLD]),
    ],
)
def test_keys_are_read_from_the_setting(setting: str, keys: list[bytes]) -> None:
    settings = Settings.model_validate({"database_url": "x", "encryption_key": setting})
    assert settings.encryption_keys() == keys
    assert setting not in repr(settings)


@pytest.mark.parametrize("setting", ["x", OLD.hex()[1:], f"{OLD.hex()},", "zz" * 32])
def test_what_is_no_key_is_refused_and_not_repeated(setting: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"database_url": "x", "encryption_key": setting})
    (error,) = caught.value.errors(include_input=False)
    assert error["loc"] == ("encryption_key",)
    assert "openssl rand -hex 32" in error["msg"]


def test_without_the_setting_there_are_no_keys_but_the_databases() -> None:
    assert Settings.model_validate({"database_url": "x"}).encryption_keys() == []
