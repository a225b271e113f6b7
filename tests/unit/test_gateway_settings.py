"""Settings of the gateway: where they come from, and what a bad one says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from gateway.scim.dialects import LENIENT, OKTA, STRICT
from gateway.settings import Settings, SettingsError, channel_target, load_settings
from service import settings as service_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ROLLBOOK_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_file_goes_before_the_defaults_and_the_environment_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rollbook.yaml").write_text(
        "http_listen: 0.0.0.0:1\nhttp_prefix: /id\nscim: {enabled: true}\n"
    )
    monkeypatch.setenv("ROLLBOOK_HTTP_LISTEN", "[::1]:2")
    settings = load_settings()
    assert settings.http_address == ("::1", 2)
    assert settings.http_prefix == "/id"
    assert settings.http_workers == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_LISTEN", "8080"),
        ("HTTP_LISTEN", "h:99999"),
        ("HTTP_PREFIX", "/a b"),
        ("HTTP_PUBLIC_URL", "id.acme.example"),
        ("HTTP_WORKERS", "0"),
        ("HTTP_BODY_TIMEOUT", "0"),
        ("SCIM_DIALECT", "klingon"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ROLLBOOK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        load_settings()


def test_the_dialect_stands_in_the_block_that_the_service_reads_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().dialect is LENIENT
    (tmp_path / "rollbook.yaml").write_text(
        "database_url: postgresql://h\nscim: {enabled: false, dialect: okta}\n"
    )
    assert load_settings().dialect is OKTA
    assert not service_settings.load_settings().scim.enabled
    monkeypatch.setenv("ROLLBOOK_SCIM_DIALECT", "strict")
    assert load_settings().dialect is STRICT
    assert not service_settings.load_settings().scim.enabled


def test_a_dialect_that_there_is_not_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "rollbook.yaml").write_text("scim: {dialect: klingon}\n")
    with pytest.raises(ValidationError, match="lenient, okta, entra, strict"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("scim/v2/", "/scim/v2"), ("/", ""), ("", "/scim/v2"), ("//id//", "/id")],
)
def test_the_prefix_is_taken_with_any_slashes(
    monkeypatch: pytest.MonkeyPatch, given: str, prefix: str
) -> None:
    monkeypatch.setenv("ROLLBOOK_HTTP_PREFIX", given)
    assert load_settings().http_prefix == prefix


@pytest.mark.parametrize(
    ("listen", "target"),
    [
        ("127.0.0.1:50051", "dns:///127.0.0.1:50051"),
        ("0.0.0.0:5", "dns:///127.0.0.1:5"),
        ("[::]:5", "dns:///[::1]:5"),
        ("unix:/run/a", "unix:/run/a"),
    ],
)
def test_the_service_is_looked_for_where_it_listens(
    monkeypatch: pytest.MonkeyPatch, listen: str, target: str
) -> None:
    monkeypatch.setenv("ROLLBOOK_GRPC_LISTEN", listen)
    assert load_settings().service_target == target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("service.acme.example:443", "dns:///service.acme.example:443"),
        ("unix:/a.0, unix:/a.1", "unix:/a.0,/a.1"),
        ("unix:///a", "unix:/a"),
        ("10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2"),
        ("[::1]:1,[::2]:2", "ipv6:[::1]:1,[::2]:2"),
    ],
)
def test_targets_become_one_name_of_a_channel(text: str, target: str) -> None:
    assert channel_target(text) == target


@pytest.mark.parametrize("text", ["", "nonsense", "a:1,b:2", "unix:/a,b:1", "10.0.0.1:1,[::1]:2"])
def test_targets_that_no_channel_can_have_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="grpc_target"):
        channel_target(text)
