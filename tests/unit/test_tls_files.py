"""Files of TLS: read, found changed, and refused while they do not fit each other."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.https import Https
from gateway.settings import Settings as GatewaySettings
from gateway.settings import SettingsError
from rollbook.tls_files import TlsFiles, TlsFilesError
from service.settings import Settings
from tests.harness.certificates import Authority


def gateway_settings(**given: object) -> GatewaySettings:
    return GatewaySettings.model_validate(given)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> TlsFiles:
    return TlsFiles(*authority.write_server(tmp_path), authority.write_authority(tmp_path))


def test_they_are_read_once_for_each_change(
    files: TlsFiles, authority: Authority, tmp_path: Path
) -> None:
    before = files.read()
    assert before.client_authorities == authority.pem
    assert files.renewed() is None
    authority.write_server(tmp_path)
    after = files.renewed()
    assert after is not None
    assert after.certificate != before.certificate
    assert files.renewed() is None


def test_half_a_renewal_is_refused_once_and_taken_when_it_is_whole(
    files: TlsFiles, authority: Authority, tmp_path: Path
) -> None:
    files.read()
    key = files.private_key.read_bytes()
    authority.write_server(tmp_path)
    new_key = files.private_key.read_bytes()
    files.private_key.write_bytes(key)
    with pytest.raises(TlsFilesError, match=r"server-key\.pem is not the key of"):
        files.renewed()
    assert files.renewed() is None
    files.private_key.write_bytes(new_key)
    renewed = files.renewed()
    assert renewed is not None
    assert renewed.private_key == new_key


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("server.pem", b"nonsense", "no certificate in PEM"),
        ("server.pem", b"", "no certificate in PEM"),
        ("server-key.pem", b"nonsense", "no private key in PEM"),
        ("authority.pem", b"nonsense", "no certificate in PEM"),
        ("authority.pem", None, "Cannot read"),
    ],
)
def test_the_file_at_fault_is_named(
    name: str, content: bytes | None, message: str, files: TlsFiles, tmp_path: Path
) -> None:
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TlsFilesError, match=message) as caught:
        files.read()
    assert name in str(caught.value)


def test_https_shows_the_renewed_certificate(
    files: TlsFiles, authority: Authority, tmp_path: Path
) -> None:
    https = Https(TlsFiles(files.certificate, files.private_key))
    assert https.context.minimum_version == ssl.TLSVersion.TLSv1_2
    first = _shown(https, authority)
    https.renew()
    assert _shown(https, authority) == first
    files.private_key.write_bytes(b"nonsense")
    https.renew()
    assert _shown(https, authority) == first
    authority.write_server(tmp_path)
    https.renew()
    assert _shown(https, authority) != first


def _shown(https: Https, authority: Authority) -> bytes | None:
    """The certificate that a client sees, over no wire."""
    client_context = ssl.create_default_context(cadata=authority.pem.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = https.context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True)


def test_https_takes_files_that_can_be_used(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c", tmp_path / "k"
    certificate.write_text("nonsense")
    key.write_text("nonsense")
    with pytest.raises(SettingsError, match="no certificate in PEM"):
        Https.of(gateway_settings(http_tls_certificate=certificate, http_tls_key=key))


_HERE = Path(__file__)


@pytest.mark.parametrize(
    "given",
    [
        {"grpc_tls_certificate": _HERE},
        {"grpc_tls_key": _HERE},
        {"grpc_tls_client_ca": _HERE},
        {
            "grpc_tls_certificate": _HERE,
            "grpc_tls_key": _HERE,
            "grpc_mtls_listen": "127.0.0.1:0",
        },
    ],
)
def test_the_service_is_told_of_tls_as_a_whole(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"together|takes"):
        Settings.model_validate({"database_url": "x", **given})


@pytest.mark.parametrize(
    "given", [{"http_tls_certificate": _HERE}, {"http_tls_key": _HERE}, {"tls_key": _HERE}]
)
def test_the_gateway_is_told_of_tls_as_a_whole(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="together"):
        gateway_settings(**given)


def test_the_gateway_takes_no_tls_over_a_socket(files: TlsFiles) -> None:
    secured = {"tls_ca": files.client_authorities}
    assert gateway_settings(**secured).service_tls is not None
    over_socket = gateway_settings(**secured, grpc_target="unix:/run/rollbook")
    assert over_socket.service_tls is None
    assert gateway_settings().service_tls is None
