"""Fetching addresses of strangers: what is refused before a packet leaves, and the limits after."""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tasks.fetch import Fetcher, FetchError, IpAddress, check_url, is_public

# The metadata address of cloud machines in every spelling the system's resolver understands.
METADATA_SPELLINGS = [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0xa9.254.0xa9.254",
    "025177524776",
    "0251.0376.0251.0376",
    "0251.254.169.0xfe",
    "00000251.000376.0251.0376",
    "169.16689662",
    "169.254.43518",
    "0xa9.0xfea9fe",
    "0xa9.0xfe.0xa9fe",
    "0251.0376.0124776",
    "１６９.２５４.１６９.２５４",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "169。254。169。254",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[::ffff:0:169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:a9fe:a9fe::1]",
]

PRIVATE_ADDRESSES = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("host", METADATA_SPELLINGS)
def test_every_spelling_of_the_metadata_address_is_refused(host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(FetchError) as refused:
            check_url(f"{scheme}://{host}/latest/meta-data/")
        assert refused.value.code == "address_not_allowed"
        with pytest.raises(FetchError) as refused:
            Fetcher().fetch(f"{scheme}://{host}:8080/", max_bytes=10)
        assert refused.value.code == "address_not_allowed"
        assert refused.value.permanent


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_address_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
)
def test_address_outside_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/a.jpg", "url_not_http"),
        ("file:///etc/passwd", "url_not_http"),
        ("gopher://127.0.0.1:6379/_INFO", "url_not_http"),
        ("javascript:alert(1)", "url_not_http"),
        ("example.com/a.jpg", "url_not_http"),
        ("", "url_not_http"),
        ("http://", "url_invalid"),
        ("http:///a.jpg", "url_invalid"),
        ("http://user@example.com/", "url_invalid"),
        ("http://user:secret@example.com/", "url_invalid"),
        ("http://@example.com/", "url_invalid"),
        ("http://example.com\\@127.0.0.1/", "url_invalid"),
        ("http://example.com /", "url_invalid"),
        ("http://example.com/\r\nHost: inside", "url_invalid"),
        ("http://example.com:99999/", "url_invalid"),
        ("http://[::1", "url_invalid"),
        ("http://[v1.1]/", "url_invalid"),
        ("http://127.0.0.1%2f/", "url_invalid"),
        ("http://425.510.425.510/", "url_invalid"),
        ("http://a/" + "a" * 3000, "url_invalid"),
        ("http://localhost/", "address_not_allowed"),
        ("http://LOCALHOST.:80/", "address_not_allowed"),
        ("http://api.localhost/", "address_not_allowed"),
        ("http://printer.local/", "address_not_allowed"),
        ("http://metadata.google.internal/", "address_not_allowed"),
    ],
)
def test_url_refused_without_the_network(url: str, code: str) -> None:
    with pytest.raises(FetchError) as refused:
        check_url(url)
    assert refused.value.code == code
    assert refused.value.permanent


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.jpg",
        "https://EXAMPLE.com:8443/a%20b.jpg?c=d#e",
        "https://예시.한국/사진.jpg",
        "http://1.1.1.1/a.jpg",
        "http://[2606:4700::1111]/a.jpg",
    ],
)
def test_ordinary_url_passes_the_check(url: str) -> None:
    check_url(url)


class Site:
    """A real server on loopback that remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append((self.path, dict(self.headers)))
                with suppress(OSError):  # the client may hang up, and sometimes should
                    site.pages[self.path](self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def answer(
    body: bytes = b"", status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def everything(_: IpAddress) -> bool:
    return True


def code_of(fetcher: Fetcher, url: str, max_bytes: int = 1000) -> str:
    with pytest.raises(FetchError) as error:
        fetcher.fetch(url, max_bytes=max_bytes)
    return error.value.code


def test_fetch_returns_body_type_and_last_url(site: Site) -> None:
    site.pages["/a%20b.jpg?x=1"] = answer(b"abc", Content_Type="Image/JPEG; charset=x")
    site.pages["/from"] = answer(status=302, Location="a b.jpg?x=1".replace(" ", "%20"))
    fetched = Fetcher(everything).fetch(site.url + "/from", max_bytes=3, accept="image/*")
    assert fetched.body == b"abc"
    assert fetched.media_type == "image/jpeg"
    assert fetched.url == site.url + "/a%20b.jpg?x=1"
    path, headers = site.seen[1]
    assert path == "/a%20b.jpg?x=1"
    assert headers["Accept"] == "image/*"
    assert headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in headers and "Authorization" not in headers


def test_path_in_any_script_is_sent_encoded(site: Site) -> None:
    site.pages["/%EC%82%AC%EC%A7%84"] = answer(b"ok")
    assert Fetcher(everything).fetch(site.url + "/사진", max_bytes=9).body == b"ok"


def test_listener_inside_sees_no_request(site: Site) -> None:
    """Under its own address, under a name, after a redirect."""
    for url in (site.url, site.url.replace("127.0.0.1", "2130706433")):
        assert code_of(Fetcher(), url) == "address_not_allowed"
    inside = [ipaddress.ip_address("127.0.0.1")]
    named = Fetcher(resolve_host=lambda host, port: inside)
    assert code_of(named, f"http://looks-fine.example:{site.port}/") == "address_not_allowed"
    assert site.seen == []


def test_one_private_address_among_public_ones_refuses_the_name(site: Site) -> None:
    mixed = [ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(resolve_host=lambda host, port: mixed)
    assert code_of(fetcher, f"http://mixed.example:{site.port}/") == "address_not_allowed"
    assert site.seen == []


def test_name_is_resolved_once_and_the_checked_address_connected_to(site: Site) -> None:
    """A name that answers differently the second time (DNS rebinding) is never asked again."""
    site.pages["/"] = answer(b"ok")
    asked = []

    def resolve_once(host: str, port: int) -> list[IpAddress]:
        asked.append((host, port))
        return [ipaddress.ip_address("127.0.0.1")]

    fetcher = Fetcher(everything, resolve_once)
    url = f"http://shop.example:{site.port}/"
    assert fetcher.fetch(url, max_bytes=9).body == b"ok"
    assert asked == [("shop.example", site.port)]
    assert site.seen[0][1]["Host"] == f"shop.example:{site.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_an_address_inside_is_refused(site: Site, status: int) -> None:
    outside = Site()
    try:
        outside.pages["/"] = answer(status=status, Location=site.url + "/secret")
        addresses = {"outside.example": "127.0.0.1"}
        fetcher = Fetcher(
            # The first server stands for the internet, the second for the network behind us.
            is_allowed=lambda address: len(outside.seen) == 0,
            resolve_host=lambda host, port: [ipaddress.ip_address(addresses[host])],
        )
        code = code_of(fetcher, f"http://outside.example:{outside.port}/")
        assert code == "address_not_allowed"
        assert len(outside.seen) == 1
        assert site.seen == []
    finally:
        outside.close()


def test_redirect_to_another_scheme_is_refused(site: Site) -> None:
    site.pages["/"] = answer(status=302, Location="file:///etc/passwd")
    assert code_of(Fetcher(everything), site.url) == "url_not_http"


@pytest.mark.parametrize("location", ["http://[", "http://[::1", "//[x]/", "http://a:b/"])
def test_redirect_to_what_is_no_address_is_final(site: Site, location: str) -> None:
    site.pages["/"] = answer(status=302, Location=location)
    with pytest.raises(FetchError) as refused:
        Fetcher(everything).fetch(site.url + "/", max_bytes=10)
    assert (refused.value.code, refused.value.permanent) == ("url_invalid", True)


def test_redirects_end(site: Site) -> None:
    site.pages["/"] = answer(status=302, Location="/")
    assert code_of(Fetcher(everything), site.url + "/") == "too_many_redirects"
    assert len(site.seen) == 6


def test_body_is_capped_whatever_the_length_says(site: Site) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 10_000)

    site.pages["/honest"] = answer(b"x" * 2000)
    site.pages["/boasting"] = answer(b"", Content_Length="999999999999")
    site.pages["/endless"] = endless
    for path in site.pages:
        assert code_of(Fetcher(everything), site.url + path) == "fetch_too_large"
    assert "larger than 5 MB" in FetchError("fetch_too_large", max_megabytes=5).message


def test_body_that_ends_early_is_a_failure_worth_a_retry(site: Site) -> None:
    site.pages["/"] = answer(b"abc", Content_Length="10")
    with pytest.raises(FetchError) as error:
        Fetcher(everything).fetch(site.url + "/", max_bytes=100)
    assert error.value.code == "fetch_failed"
    assert not error.value.permanent


@pytest.mark.parametrize(
    ("status", "permanent"), [(404, True), (403, True), (503, False), (429, False)]
)
def test_status_tells_whether_to_retry(site: Site, status: int, permanent: bool) -> None:
    site.pages["/"] = answer(status=status)
    with pytest.raises(FetchError) as error:
        Fetcher(everything).fetch(site.url + "/", max_bytes=100)
    assert (error.value.code, error.value.permanent) == ("fetch_refused", permanent)
    assert str(status) in error.value.message


def test_trickle_is_cut_at_the_total_time(site: Site) -> None:
    """A byte now and then resets every socket timeout; the whole has a limit of its own."""

    def drip_headers(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            handler.wfile.write(b"X-%d: 1\r\n" % number)
            time.sleep(0.1)

    def drip_body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.1)

    site.pages = {"/headers": drip_headers, "/body": drip_body}
    for path in site.pages:
        started = time.monotonic()
        fetcher = Fetcher(everything, total_timeout_seconds=0.5)
        with pytest.raises(FetchError) as error:
            fetcher.fetch(site.url + path, max_bytes=1000)
        assert (error.value.code, error.value.permanent) == ("fetch_timeout", False)
        assert time.monotonic() - started < 3


def test_refused_connection_is_worth_a_retry(site: Site) -> None:
    site.close()
    with pytest.raises(FetchError) as error:
        Fetcher(everything).fetch(site.url, max_bytes=10)
    assert (error.value.code, error.value.permanent) == ("fetch_failed", False)


def test_next_address_is_tried_when_the_first_does_not_answer(site: Site) -> None:
    site.pages["/"] = answer(b"ok")
    both = [ipaddress.ip_address("127.77.0.1"), ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(everything, lambda host, port: both)
    assert fetcher.fetch(f"http://two.example:{site.port}/", max_bytes=9).body == b"ok"


def test_certificate_must_be_for_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked against the name though the connection goes to an address.

    One nobody vouches for, or for another name, ends the handshake; nothing is asked.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "shop.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    site = Site()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    site.server.socket = tls.wrap_socket(site.server.socket, server_side=True)
    site.pages["/"] = answer(b"secret")
    loopback = [ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(everything, lambda host, port: loopback)
    try:
        assert code_of(fetcher, f"https://shop.example:{site.port}/") == "fetch_failed"
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert code_of(fetcher, f"https://other.example:{site.port}/") == "fetch_failed"
        assert code_of(fetcher, f"https://127.0.0.1:{site.port}/") == "fetch_failed"
        assert site.seen == []
        url = f"https://shop.example:{site.port}/"
        assert fetcher.fetch(url, max_bytes=9).body == b"secret"
    finally:
        site.close()


def test_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/"] = answer(b"direct")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Fetcher(everything).fetch(site.url + "/", max_bytes=9).body == b"direct"
