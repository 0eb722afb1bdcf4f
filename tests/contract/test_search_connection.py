"""How a search server is reached: which library, with which identity, through which proxy, at which address."""

import base64
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from alertd.errors import PermanentError, RetryError
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.secret import Credential, Secrets
from tests.contract.test_search_tls import server_tls, written
from tests.fakes.proxy import Proxy, proxying
from tests.fakes.search_server import Handler, ScriptedServer, error_body, reply, serving, whole

SHORT = timedelta(seconds=5)
ALL = Search("logs-*", {"match_all": {}}, ("n",), 10, SHORT)
# Other than ASCII on purpose.
PASSWORD = "pass: wörd%"
KEY = "bm90LWEta2V5"

flavors = pytest.mark.parametrize("flavor", ["auto", "elasticsearch", "opensearch"])


def server_for(flavor: str) -> ScriptedServer:
    return ScriptedServer("opensearch" if flavor == "opensearch" else "elasticsearch")


def ids(client: SearchClient) -> list[str]:
    try:
        return [hit.id for page in client.pages(ALL) for hit in page]
    finally:
        client.close()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """Refuses connections, and nobody else can take its port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# which library


@pytest.mark.parametrize(
    ("root", "flavor"),
    [
        ({"version": {"number": "8.19.0"}, "tagline": "You Know, for Search"}, "elasticsearch"),
        ({"version": {"number": "3.8.0", "distribution": "opensearch"}}, "opensearch"),
        ({"version": {"number": "7.10.2"}, "tagline": "The OpenSearch Project: https://opensearch.org/"}, "opensearch"),
    ],
)
def test_the_server_is_asked_what_it_is(root: object, flavor: str) -> None:
    """On request OpenSearch calls itself Elasticsearch 7.10; its tagline does not."""
    with serving(ScriptedServer(flavor)) as server:
        server.faults["root", 1] = reply(200, root)
        client = connect(Connection(urls=(server.url,)))
        assert flavor == client.server().flavor
        client.close()


@pytest.mark.parametrize("flavor", ["elasticsearch", "opensearch"])
def test_a_key_that_may_not_ask_is_no_hindrance(flavor: str) -> None:
    """A key for reading some indices is the right one, and has no privilege for the cluster."""
    with serving(ScriptedServer(flavor)) as server:
        server.always["root"] = reply(403, error_body("security_exception", "no permissions for [monitor]"))
        client = connect(Connection(urls=(server.url,), api_key=Credential(KEY)))
        assert ["0", "1", "2"] == ids(client)
        assert None is client.server().version


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        (401, error_body("security_exception", "unable to authenticate"), PermanentError, "elasticsearch.api_key"),
        (403, "<html>go away</html>", PermanentError, "go away"),
        (503, "<html>be right back</html>", RetryError, "be right back"),
        (200, "<html>log in</html>", RetryError, "log in"),
        (200, {"version": "1.2.3"}, RetryError, "not a search server's"),
        (200, ["x"], RetryError, "not a search server's"),
    ],
)
def test_what_is_no_search_server_says_so(status: int, body: object, expected: type[Exception], said: str) -> None:
    """With its address and what it answered."""
    with serving(ScriptedServer("opensearch")) as server:
        server.always["root"] = reply(status, body)
        with pytest.raises(expected, match=said) as caught:
            connect(Connection(urls=(server.url,)))
        assert server.url in str(caught.value)


def test_elasticsearch_s_library_recognises_opensearch() -> None:
    """Where the flavor is set, and wrong."""
    with (
        serving(ScriptedServer("opensearch")) as server,
        pytest.raises(PermanentError, match=r"header X-Elastic-Product.*elasticsearch\.flavor.*a proxy"),
    ):
        ids(connect(Connection(urls=(server.url,)), flavor="elasticsearch"))


@pytest.mark.parametrize(("flavor", "other"), [("elasticsearch", "opensearchpy"), ("opensearch", "elasticsearch")])
def test_only_the_library_that_is_needed_is_loaded(flavor: str, other: str) -> None:
    """Each takes as much memory as all the rest of alertd."""
    program = (
        "import sys; from alertd.search.connect import connect; from alertd.search.connection import Connection;"
        f"connect(Connection(urls=('http://127.0.0.1:9',)), flavor={flavor!r}); print({other!r} in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "False" == printed.strip()


def test_a_cloud_id_is_elastic_s() -> None:
    """It names the hosts; one that is mistyped is told."""
    cloud_id = "name:" + base64.b64encode(b"127.0.0.1:9$es$kibana").decode()
    with pytest.raises(RetryError, match=r"https://es\.127\.0\.0\.1:9"):
        ids(connect(Connection(cloud_id=cloud_id, timeout=SHORT)))
    with pytest.raises(PermanentError, match="cloud_id is not valid"):
        connect(Connection(cloud_id="mistyped"))
    with pytest.raises(PermanentError, match="goes with flavor elasticsearch"):
        connect(Connection(cloud_id=cloud_id), flavor="opensearch")


# which identity


@flavors
@pytest.mark.parametrize(
    ("values", "header"),
    [
        ({}, None),
        ({"api_key": Credential(KEY)}, f"ApiKey {KEY}"),
        (
            {"username": "alertd", "password": Credential(PASSWORD)},
            f"Basic {base64.b64encode(f'alertd:{PASSWORD}'.encode()).decode()}",
        ),
    ],
)
def test_every_request_shows_the_identity(flavor: str, values: dict[str, object], header: str | None) -> None:
    """And nothing but it: no .netrc, no variable."""
    with serving(server_for(flavor)) as server:
        server.documents = 20
        ids(connect(Connection(urls=(server.url,), **values), flavor=flavor))  # type: ignore[arg-type]
        sent = [{name.lower(): value for name, value in asked.headers.items()} for asked in server.asked]
        assert {header} == {headers.get("authorization") for headers in sent}


def test_no_secret_is_in_a_connection_s_repr() -> None:
    """It may end up in a traceback."""
    connection = Connection(
        api_key=Credential("S3CRET"), password=Credential("S3CRET"), proxy="http://u:S3CRET@proxy.example.com"
    )
    assert "S3CRET" not in repr(connection)


@flavors
@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_was_replaced_in_its_file_is_taken_up(flavor: str, status: int, tmp_path: Path) -> None:
    """Without a restart; and one that was not replaced is not tried again and again."""
    file = tmp_path / "key"
    file.write_text("b2xkOmtleS1vbGQ=")
    key = Credential("b2xkOmtleS1vbGQ=", file)

    def refuse_old(handler: Handler) -> None:
        asked = server.asked[-1]
        if "b2xk" in str(asked.headers):
            return reply(status, error_body("security_exception", "the key is refused"))(handler)
        return reply(*server.answer(asked))(handler)

    with serving(server_for(flavor)) as server:
        connection = Connection(urls=(server.url,), timeout=SHORT, api_key=key, secrets=Secrets([key]))
        client = connect(connection, flavor=flavor)
        server.always["search"] = refuse_old
        before = server.count("search")
        with pytest.raises(PermanentError, match=f"{file} still holds" if status == 401 else "privileges"):
            ids(client)
        assert before + 1 == server.count("search")
        file.write_text("bmV3OmtleQ==")
        assert ["0", "1", "2"] == ids(client)


@flavors
def test_a_key_pasted_as_id_and_key_is_encoded(flavor: str) -> None:
    """Kibana shows both forms."""
    with serving(server_for(flavor)) as server:
        assert ["0", "1", "2"] == ids(connect(Connection(urls=(server.url,), api_key=Credential("i:k")), flavor=flavor))
        assert "ApiKey aTpr" in {
            asked.headers.get("authorization") or asked.headers.get("Authorization") for asked in server.asked
        }


@flavors
def test_a_redirect_is_not_followed(flavor: str) -> None:
    """The key would go to wherever it points."""
    with serving(server_for(flavor)) as elsewhere, serving(server_for(flavor)) as server:

        def redirect(handler: object) -> None:
            handler.send_response_only(307)  # type: ignore[attr-defined]
            handler.send_header("Location", elsewhere.url)  # type: ignore[attr-defined]
            handler.send_header("Content-Length", "0")  # type: ignore[attr-defined]
            handler.end_headers()  # type: ignore[attr-defined]

        server.always["root"] = server.always["search"] = redirect
        with pytest.raises(PermanentError, match=r"307.*sends elsewhere.*elasticsearch\.url"):
            ids(connect(Connection(urls=(server.url,), api_key=Credential(KEY)), flavor=flavor))
        assert [] == elsewhere.asked


# which address


@flavors
def test_a_path_in_the_address_is_kept(flavor: str) -> None:
    """Behind a reverse proxy the servers live under one."""
    with serving(server_for(flavor)) as server, pytest.raises(PermanentError, match=r"no handler for .* /es/"):
        ids(connect(Connection(urls=(f"{server.url}/es",)), flavor=flavor))


@flavors
@pytest.mark.parametrize("dead_first", [True, False])
def test_a_server_that_is_down_is_passed_over(flavor: str, dead_url: str, dead_first: bool) -> None:
    """It fails once at most, then the others are asked for a while."""
    with serving(server_for(flavor)) as server:
        urls = (dead_url, server.url) if dead_first else (server.url, dead_url)
        client = connect(Connection(urls=urls, timeout=SHORT), flavor=flavor)
        failures = 0
        for _ in range(6):
            try:
                assert 3 == sum(len(page) for page in client.pages(ALL))
            except RetryError:
                failures += 1
        client.close()
        assert failures <= 1


@flavors
def test_a_poll_and_a_sweep_at_the_same_time_each_keep_their_connection(
    flavor: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Else one is opened anew and the log says so at every sweep."""
    both = threading.Barrier(2, timeout=10)

    def meet(handler: object) -> None:
        both.wait()
        reply(200, whole([]))(handler)  # type: ignore[arg-type]

    with serving(server_for(flavor)) as server, ThreadPoolExecutor(2) as pool:
        server.always["search"] = meet
        client = connect(Connection(urls=(server.url,), timeout=SHORT), flavor=flavor)
        for _ in range(3):
            list(pool.map(lambda _: list(client.pages(ALL)), range(2)))
        client.close()
    assert [] == [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]


@flavors
def test_all_servers_down_tells_of_one(flavor: str, dead_url: str) -> None:
    """Not of none."""
    with pytest.raises(RetryError, match=f"{dead_url} does not answer: Connection refused"):
        ids(connect(Connection(urls=(dead_url, dead_url), timeout=SHORT), flavor=flavor))


@flavors
def test_a_name_that_is_unknown_is_told(flavor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a number."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RetryError, match=r"http://es\.invalid:9200 does not answer: its name is not known here"):
        ids(connect(Connection(urls=("http://es.invalid:9200",), timeout=SHORT), flavor=flavor))


# which proxy


@flavors
@pytest.mark.parametrize("password", [None, f"team:{PASSWORD}"])
def test_requests_go_through_the_proxy(flavor: str, password: str | None) -> None:
    """With its own user and password, which the server never sees."""
    with serving(server_for(flavor)) as server, proxying(Proxy(password=password)) as proxy:
        url = proxy.url.replace("//", "//team:pass%3A%20w%C3%B6rd%25@") if password else proxy.url
        assert ["0", "1", "2"] == ids(connect(Connection(urls=(server.url,), proxy=url), flavor=flavor))
        assert len(server.asked) == len(proxy.seen)
        assert all(server.url in seen for seen in proxy.seen)
        assert not any("proxy-authorization" in map(str.lower, asked.headers) for asked in server.asked)


@flavors
@pytest.mark.parametrize("password", [None, "team:secret"])
def test_tls_is_tunnelled_through_the_proxy(flavor: str, password: str | None, tmp_path: Path) -> None:
    """The proxy sees the host and nothing more: the server's certificate is checked as without it."""
    authority = trustme.CA()
    ca_file = written(authority.cert_pem, tmp_path / "ca.pem")
    tls = server_tls(authority.issue_cert("127.0.0.1"))
    with serving(server_for(flavor), tls=tls) as server, proxying(Proxy(password=password)) as proxy:
        url = proxy.url.replace("//", f"//{password}@") if password else proxy.url
        connection = Connection(urls=(server.url,), proxy=url, ca_file=ca_file, api_key=Credential(KEY))
        assert ["0", "1", "2"] == ids(connect(connection, flavor=flavor))
        assert {"CONNECT"} == {seen.split()[0] for seen in proxy.seen}
        assert "authorization" not in proxy.headers
        with pytest.raises(PermanentError, match="certificate is refused"):
            ids(connect(Connection(urls=(server.url,), proxy=url), flavor=flavor))


@flavors
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_told_from_a_server_that_does(flavor: str, scheme: str) -> None:
    """What to repair is the proxy's password."""
    with serving(server_for(flavor)) as server, proxying(Proxy(password="team:right")) as proxy:
        urls = (server.url.replace("http:", f"{scheme}:"),)
        url = proxy.url.replace("//", "//team:wrong@")
        with pytest.raises(PermanentError, match=r"407.*elasticsearch\.proxy") as caught:
            ids(connect(Connection(urls=urls, proxy=url, timeout=SHORT), flavor=flavor))
        assert "wrong" not in str(caught.value)


@flavors
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named(flavor: str, scheme: str, dead_url: str) -> None:
    """Rather than the server behind it, which may be fine."""
    proxy = dead_url.replace("//", "//team:secret@")
    connection = Connection(urls=(f"{scheme}://es.example.com:9200",), proxy=proxy, timeout=SHORT)
    with pytest.raises(RetryError, match=f"through the proxy {dead_url}: Connection refused") as caught:
        ids(connect(connection, flavor=flavor))
    assert "secret" not in str(caught.value)


@flavors
def test_the_environment_changes_nothing(flavor: str, dead_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key goes is said in one place."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead_url)
    with serving(server_for(flavor)) as server:
        assert ["0", "1", "2"] == ids(connect(Connection(urls=(server.url,)), flavor=flavor))
