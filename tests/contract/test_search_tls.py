"""TLS to a search server: whom alertd trusts, whom it refuses, and how it says so."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from alertd.errors import PermanentError, RetryError
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.fakes.listener import listening
from tests.fakes.search_server import ScriptedServer, serving

SHORT = timedelta(seconds=5)
ALL = Search("logs-*", {"match_all": {}}, ("n",), 10, SHORT)
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
HERE = "127.0.0.1"

flavors = pytest.mark.parametrize("flavor", ["auto", "elasticsearch", "opensearch"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Test authority")


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    return written(authority.cert_pem, tmp_path / "ca.pem")


def written(blob: trustme.Blob, path: Path) -> Path:
    blob.write_to_path(str(path))
    return path


def server_tls(certificate: trustme.LeafCert, *, clients_of: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients_of:
        clients_of.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        # In TLS 1.3 the refusal comes after the handshake, and may be overtaken by the end of the connection.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def searching(server: ScriptedServer, connection: Connection, flavor: str) -> Iterator[SearchClient]:
    server.flavor = "opensearch" if flavor == "opensearch" else "elasticsearch"
    client = connect(connection, flavor=flavor)
    try:
        yield client
    finally:
        client.close()


def ask(server: ScriptedServer, flavor: str, **values: object) -> list[str]:
    connection = Connection(urls=(server.url,), timeout=SHORT, **values)  # type: ignore[arg-type]
    with searching(server, connection, flavor) as client:
        return [hit.id for page in client.pages(ALL) for hit in page]


@flavors
@pytest.mark.parametrize("host", [HERE, "localhost"])
def test_a_server_of_a_trusted_authority_answers(authority: trustme.CA, ca_file: Path, flavor: str, host: str) -> None:
    """By name and by address."""
    tls = server_tls(authority.issue_cert(HERE, "localhost"))
    with serving(ScriptedServer(flavor), tls=tls, host=host) as server:
        assert ["0", "1", "2"] == ask(server, flavor, ca_file=ca_file)


@flavors
def test_a_server_of_an_unknown_authority_is_refused(authority: trustme.CA, tmp_path: Path, flavor: str) -> None:
    """It says which file would have to name the authority."""
    other = written(trustme.CA().cert_pem, tmp_path / "other.pem")
    with serving(ScriptedServer(flavor), tls=server_tls(authority.issue_cert(HERE))) as server:
        with pytest.raises(PermanentError, match=f"refused: unable.*elasticsearch.ca_file {other}"):
            ask(server, flavor, ca_file=other)
        with pytest.raises(PermanentError, match=r"refused: unable.* name another in elasticsearch\.ca_file"):
            ask(server, flavor)
        assert [] == server.asked


@flavors
def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, ca_file: Path, flavor: str) -> None:
    """Whoever can hold a certificate could otherwise read the key."""
    for host, why in ((HERE, "IP address mismatch"), ("localhost", "Hostname mismatch")):
        tls = server_tls(authority.issue_cert("es.example.com"))
        with serving(ScriptedServer(flavor), tls=tls, host=host) as server:
            with pytest.raises(PermanentError, match=f"https://{host}:.* is refused: {why}"):
                ask(server, flavor, ca_file=ca_file)
            assert [] == server.asked


@flavors
def test_an_expired_certificate_is_refused(authority: trustme.CA, ca_file: Path, flavor: str) -> None:
    """It says so, and nothing of the authority, which is the right one."""
    expired = authority.issue_cert(HERE, not_before=YESTERDAY - timedelta(days=9), not_after=YESTERDAY)
    with serving(ScriptedServer(flavor), tls=server_tls(expired)) as server:
        with pytest.raises(PermanentError, match=r"refused: certificate has expired\.$"):
            ask(server, flavor, ca_file=ca_file)
        assert [] == server.asked


@flavors
def test_a_client_certificate_is_shown(authority: trustme.CA, ca_file: Path, tmp_path: Path, flavor: str) -> None:
    """In one file with its key, or in two."""
    mine = authority.issue_cert("alertd@example.com")
    both = written(mine.private_key_and_cert_chain_pem, tmp_path / "both.pem")
    certificate = written(mine.cert_chain_pems[0], tmp_path / "certificate.pem")
    key = written(mine.private_key_pem, tmp_path / "key.pem")
    tls = server_tls(authority.issue_cert(HERE), clients_of=authority)
    with serving(ScriptedServer(flavor), tls=tls) as server:
        assert ["0", "1", "2"] == ask(server, flavor, ca_file=ca_file, client_cert_file=both)
        assert ["0", "1", "2"] == ask(
            server, flavor, ca_file=ca_file, client_cert_file=certificate, client_key_file=key
        )


@flavors
def test_a_missing_client_certificate_is_told(authority: trustme.CA, ca_file: Path, flavor: str) -> None:
    """The server's alert, in words."""
    tls = server_tls(authority.issue_cert(HERE), clients_of=authority)
    with (
        serving(ScriptedServer(flavor), tls=tls) as server,
        pytest.raises(PermanentError, match=r"handshake failure\. alertd showed it no client certificate"),
    ):
        ask(server, flavor, ca_file=ca_file)


@flavors
def test_a_client_certificate_that_the_server_refuses_is_named(
    authority: trustme.CA, ca_file: Path, tmp_path: Path, flavor: str
) -> None:
    """The file is what has to be replaced."""
    other = written(trustme.CA().issue_cert("x@example.com").private_key_and_cert_chain_pem, tmp_path / "other.pem")
    tls = server_tls(authority.issue_cert(HERE), clients_of=authority)
    with (
        serving(ScriptedServer(flavor), tls=tls) as server,
        pytest.raises(PermanentError, match=f"unknown ca. alertd showed it .*client_cert_file {other}"),
    ):
        ask(server, flavor, ca_file=ca_file, client_cert_file=other)


def missing(folder: Path, _: trustme.LeafCert) -> Path:
    return folder / "missing.pem"


def garbage(folder: Path, _: trustme.LeafCert) -> Path:
    path = folder / "garbage.pem"
    path.write_text("not a certificate")
    return path


def without_key(folder: Path, mine: trustme.LeafCert) -> Path:
    return written(mine.cert_chain_pems[0], folder / "half.pem")


@pytest.mark.parametrize("key", ["ca_file", "client_cert_file"])
@pytest.mark.parametrize("file", [missing, garbage])
def test_a_file_that_cannot_be_used_is_named(
    authority: trustme.CA, tmp_path: Path, key: str, file: Callable[[Path, trustme.LeafCert], Path]
) -> None:
    """With its key in the configuration."""
    path = file(tmp_path, authority.issue_cert("x@example.com"))
    with (
        serving(ScriptedServer("elasticsearch"), tls=server_tls(authority.issue_cert(HERE))) as server,
        pytest.raises(PermanentError, match=f"elasticsearch.{key} {path} cannot be used: "),
    ):
        ask(server, "auto", **{key: path})


def test_a_certificate_without_its_key_is_named(authority: trustme.CA, tmp_path: Path) -> None:
    """Or with a key that is another's."""
    half = without_key(tmp_path, authority.issue_cert("x@example.com"))
    others = written(authority.issue_cert("y@example.com").private_key_pem, tmp_path / "others.pem")
    with serving(ScriptedServer("elasticsearch"), tls=server_tls(authority.issue_cert(HERE))) as server:
        with pytest.raises(PermanentError, match=f"client_cert_file {half} cannot be used"):
            ask(server, "auto", client_cert_file=half)
        with pytest.raises(PermanentError, match=f"with client_key_file {others} cannot be used: key values mis"):
            ask(server, "auto", client_cert_file=half, client_key_file=others)


def test_replaced_files_are_read_without_a_restart(authority: trustme.CA, ca_file: Path) -> None:
    """Certificates live for days where they are issued by a machine."""
    server_authority = trustme.CA()
    with serving(ScriptedServer("elasticsearch"), tls=server_tls(server_authority.issue_cert(HERE))) as server:
        connection = Connection(urls=(server.url,), ca_file=ca_file, timeout=SHORT)
        with searching(server, connection, "elasticsearch") as client:
            with pytest.raises(PermanentError):
                client.server()
            server_authority.cert_pem.write_to_path(str(ca_file))
            assert "8.19.0" == client.server().version


@flavors
def test_a_server_without_tls_is_told_from_a_broken_one(flavor: str) -> None:
    """The usual mistake is one letter in the address."""
    with serving(ScriptedServer(flavor)) as server:
        server.url = server.url.replace("http:", "https:")
        with pytest.raises(PermanentError, match=r"does not speak TLS: .* begin with http://"):
            ask(server, flavor)


@flavors
def test_a_server_with_tls_is_not_asked_without(authority: trustme.CA, flavor: str) -> None:
    """The same letter, the other way round."""
    with serving(ScriptedServer(flavor), tls=server_tls(authority.issue_cert(HERE))) as server:
        server.url = server.url.replace("https:", "http:")
        with pytest.raises(RetryError, match=r"does not answer.*begins with https://"):
            ask(server, flavor)


@flavors
def test_a_server_with_an_old_tls_alone_is_no_matter_of_certificates(flavor: str) -> None:
    """It is refused by its version."""

    def too_old(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # the alert protocol_version
        connection.recv(4096)

    with listening(too_old) as port:
        server = ScriptedServer(flavor, url=f"https://{HERE}:{port}")
        with pytest.raises(PermanentError, match=r"speaks no TLS 1\.2 or newer"):
            ask(server, flavor)


@flavors
def test_a_connection_that_breaks_in_the_handshake_may_be_tried_again(flavor: str) -> None:
    """A server that restarts says nothing of certificates."""
    with listening(lambda connection: connection.close()) as port:
        server = ScriptedServer(flavor, url=f"https://{HERE}:{port}")
        with pytest.raises(RetryError, match=f"https://{HERE}:{port}"):
            ask(server, flavor)


@flavors
def test_a_handshake_that_hangs_ends_at_the_deadline(flavor: str) -> None:
    """The deadline includes it."""
    over = threading.Event()
    with listening(lambda _: over.wait() and None) as port:
        connection = Connection(urls=(f"https://{HERE}:{port}",), timeout=timedelta(seconds=0.5))
        with pytest.raises(RetryError, match=r"no whole answer within 0\.5 s"):
            connect(connection, flavor=flavor).server()
        over.set()
