"""Fetches addresses given by strangers, and nothing that is not on the public internet."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from tasks.errors import ProviderError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4  # of one name that are tried
MAX_URL_LENGTH = 2048  # characters; what browsers and CDNs agree on
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 10  # of silence
TOTAL_TIMEOUT_SECONDS = 30  # of everything, redirects included
BLOCK_BYTES = 64 * 1024
USER_AGENT = "Textback"
_URL_CHARACTERS = "/:?#[]@!$&'()*+,;=%~"
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {301, 302, 303, 307, 308}
_RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}

# Sentences for people, and the keys of their translations.
MESSAGES = {
    "url_not_http": "The address must begin with http:// or https://.",
    "url_invalid": "This is not a web address we can open.",
    "address_not_allowed": "The address does not lead to the public internet.",
    "host_not_found": "The server of this address was not found.",
    "fetch_failed": "The server of this address did not give us the file.",
    "fetch_timeout": "The server of this address took too long.",
    "fetch_too_large": "The file at this address is larger than %(max_megabytes)s MB.",
    "fetch_refused": "The server of this address answered %(status)s.",
    "too_many_redirects": "The address forwards us too many times.",
}


class FetchError(ProviderError):
    """The address could not be fetched.

    Attributes:
        code: for programs, stable; a key of MESSAGES.
        values: what fills the placeholders of the sentence, in any language.
        message: the sentence in English; tells nothing about what is inside our network.
        permanent: True when trying again cannot help.
    """

    def __init__(self, code: str, *, permanent: bool = True, **values: object) -> None:
        self.values = values
        self.message = MESSAGES[code] % values
        super().__init__(self.message, permanent=permanent, code=code)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: the last URL of the redirects, the type the server named, the bytes."""

    url: str
    media_type: str
    body: bytes


# IPv6 ranges whose last 32 bits are an IPv4 address that a router unpacks.
_IPV4_INSIDE = (
    ipaddress.IPv6Network("::ffff:0:0/96"),  # IPv4-mapped, RFC 4291
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052: how IPv6-only networks reach IPv4
)
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA has given out, RFC 4291
# What `is_global` of one Python or another still lets through.
_NEVER_PUBLIC = (
    ipaddress.IPv6Network("2002::/16"),  # 6to4, RFC 3056: an IPv4 address inside
    ipaddress.IPv6Network("2001::/32"),  # Teredo, RFC 4380: another
    ipaddress.IPv6Network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
)


def is_public(address: IpAddress) -> bool:
    """Tell whether an address lies on the public internet, looking through every embedding."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if any(address in network for network in _IPV4_INSIDE):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _IPV6_UNICAST:
            return False
    if any(address.version == network.version and address in network for network in _NEVER_PUBLIC):
        return False
    # is_global alone is true for multicast such as 224.0.0.1.
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_url(url: str) -> None:
    """Refuse what can be refused without asking the network; for the moment of submitting.

    A literal address is recognised in every spelling inet_aton takes (169.254.169.254 is also
    2852039166, 0xa9fea9fe, 0251.0376.0251.0376 and 169.254.43518). A name that resolves to a
    private address passes here and is refused by `Fetcher.fetch`.

    Raises:
        FetchError: `url_not_http`, `url_invalid`, `address_not_allowed`.
    """
    parts = _split(url)
    address = _literal_address(parts.hostname or "")
    if address is not None and not is_public(address):
        raise FetchError("address_not_allowed")


def _split(url: str) -> SplitResult:
    """Take the URL apart once: the same parts are checked, resolved and connected to."""
    if len(url) > MAX_URL_LENGTH or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise FetchError("url_invalid")
    if "\\" in url:  # browsers read it as a slash, urlsplit as part of the host
        raise FetchError("url_invalid")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise FetchError("url_invalid") from error
    if parts.scheme not in _PORTS:
        raise FetchError("url_not_http")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise FetchError("url_invalid")
    host = _ascii_host(parts.hostname)
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise FetchError("address_not_allowed")
    return parts


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FetchError("url_invalid") from error


def _ascii_host(host: str) -> str:
    """Return the host as the resolver will see it: IDNA folds ①②⑦ and full-width dots to ASCII."""
    if ":" in host:
        return host
    try:
        folded = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise FetchError("url_invalid") from error
    folded = folded.lower().removesuffix(".")
    if not folded or "%" in folded:
        raise FetchError("url_invalid")
    return folded


def _literal_address(host: str) -> IpAddress | None:
    """Return the address a host spells out, or None when it is a name."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError as error:
            raise FetchError("url_invalid") from error
    folded = _ascii_host(host)
    try:
        # What the system's resolver itself would make of it, all the odd spellings included.
        return ipaddress.IPv4Address(socket.inet_aton(folded))
    except OSError as error:
        last_label = folded.rpartition(".")[2]
        if last_label.isdigit() or last_label.startswith("0x"):  # 425.510.425.510: no name ends so
            raise FetchError("url_invalid") from error
        return None


def resolve(host: str, port: int) -> list[IpAddress]:
    """Return every address of a host, in the resolver's order.

    Raises:
        FetchError: `host_not_found`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        is_final = getattr(error, "errno", None) == socket.EAI_NONAME
        raise FetchError("host_not_found", permanent=is_final) from error
    return [ipaddress.ip_address(str(entry[4][0])) for entry in found]


class Fetcher:
    """Fetches one URL at a time and remembers nothing: no cookies, no proxies, no credentials.

    For each hop: the URL is taken apart once; its host is resolved once; if any of its addresses is
    not allowed the hop is refused; the connection goes to a checked address itself, while the Host
    header, SNI and the certificate check use the name. So a name that changes its mind between
    check and connection gains nothing.

    Args:
        is_allowed: which addresses may be connected to.
        resolve_host: finds the addresses of a name.
    """

    def __init__(
        self,
        is_allowed: Callable[[IpAddress], bool] = is_public,
        resolve_host: Callable[[str, int], list[IpAddress]] = resolve,
        total_timeout_seconds: float = TOTAL_TIMEOUT_SECONDS,
    ) -> None:
        self._is_allowed = is_allowed
        self._resolve_host = resolve_host
        self._total_timeout_seconds = total_timeout_seconds

    def fetch(self, url: str, *, max_bytes: int, accept: str = "*/*") -> Fetched:
        """Return what is at the URL.

        Args:
            url: http or https.
            max_bytes: the most the body may have, after decompression (which is not asked for).
            accept: value of the Accept header.

        Raises:
            FetchError: with `permanent` telling whether another try may help.
        """
        with _Deadline(self._total_timeout_seconds) as deadline:
            for _ in range(MAX_REDIRECTS + 1):
                parts = _split(url)
                connection = self._connected(parts, deadline)
                try:
                    with _response(connection, parts, accept) as response:
                        location = response.headers.get("Location")
                        if response.status not in _REDIRECTS or not location:
                            fetched = _read(url, response, max_bytes)
                            deadline.check()  # a cut connection can look like the end of the body
                            return fetched
                except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                    raise _network_error(error, deadline) from error
                finally:
                    connection.close()
                url = _joined(url, location)
        raise FetchError("too_many_redirects")

    def _connected(self, parts: SplitResult, deadline: _Deadline) -> HTTPConnection:
        host = parts.hostname or ""
        port = parts.port or _PORTS[parts.scheme]
        failure: Exception | None = None
        for address in self._checked_addresses(host, port)[:MAX_ADDRESSES]:
            connection = _connection(parts.scheme, host, address, port)
            deadline.watch(connection)
            try:
                connection.connect()
                deadline.connected(READ_TIMEOUT_SECONDS)
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                connection.close()
                failure = error
            else:
                return connection
        raise _network_error(failure, deadline) from failure

    def _checked_addresses(self, host: str, port: int) -> list[IpAddress]:
        literal = _literal_address(host)
        addresses = [literal] if literal else self._resolve_host(_ascii_host(host), port)
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise FetchError("address_not_allowed")
        return list(dict.fromkeys(addresses))


class _Deadline:
    """Cuts the connection when the time is up.

    Socket timeouts only limit a silence; a server that sends a byte of its headers every nine
    seconds would otherwise hold a worker for hours.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: HTTPConnection) -> None:
        self._connection, self._socket = connection, None
        self.check()

    def connected(self, read_timeout_seconds: float) -> None:
        # Kept apart: http.client forgets its socket as soon as the headers are read.
        self._socket = self._connection.sock if self._connection else None
        if self._socket:
            self._socket.settimeout(read_timeout_seconds)
        self.check()

    def check(self) -> None:
        if self.is_over:
            raise FetchError("fetch_timeout", permanent=False)

    def _cut(self) -> None:
        self.is_over = True
        used = self._socket or (self._connection and self._connection.sock)
        if used:
            with contextlib.suppress(OSError):  # closed just now
                used.shutdown(socket.SHUT_RDWR)


def _connection(scheme: str, host: str, address: IpAddress, port: int) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(str(address), port, timeout=CONNECT_TIMEOUT_SECONDS)
    name = host if ":" in host else _ascii_host(host)
    return HTTPSConnection(
        str(address),
        port,
        timeout=CONNECT_TIMEOUT_SECONDS,
        cert_reqs="CERT_REQUIRED",
        server_hostname=name,
        assert_hostname=name,
    )


@contextlib.contextmanager
def _response(
    connection: HTTPConnection, parts: SplitResult, accept: str
) -> Iterator[urllib3.BaseHTTPResponse]:
    # A path may hold letters of any script; those of the URL itself stay as they are.
    path = quote(parts.path or "/", safe=_URL_CHARACTERS)
    target = path + ("?" + quote(parts.query, safe=_URL_CHARACTERS) if parts.query else "")
    connection.request(
        "GET",
        target,
        headers=_headers(parts, accept),
        preload_content=False,
        decode_content=False,
    )
    response = connection.getresponse()
    try:
        yield response
    finally:
        response.close()  # never drained: the body of a redirect may be endless


def _read(url: str, response: urllib3.BaseHTTPResponse, max_bytes: int) -> Fetched:
    if response.status != 200:
        is_final = response.status not in _RETRIED_STATUSES
        raise FetchError("fetch_refused", permanent=is_final, status=response.status)
    too_large = FetchError("fetch_too_large", max_megabytes=max(1, max_bytes // 2**20))
    if (response.length_remaining or 0) > max_bytes:
        raise too_large
    body = bytearray()
    while block := response.read1(BLOCK_BYTES):
        body += block
        if len(body) > max_bytes:
            raise too_large
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(url=url, media_type=media_type, body=bytes(body))


def _network_error(error: Exception | None, deadline: _Deadline) -> FetchError:
    if deadline.is_over:
        return FetchError("fetch_timeout", permanent=False)
    is_refused = isinstance(error, NewConnectionError)  # which urllib3 counts as a timeout
    is_slow = isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not is_refused
    return FetchError("fetch_timeout" if is_slow else "fetch_failed", permanent=False)


def _headers(parts: SplitResult, accept: str) -> Mapping[str, str]:
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else _ascii_host(host)
    if parts.port and parts.port != _PORTS[parts.scheme]:
        name = f"{name}:{parts.port}"
    # Identity: a compressed answer could be a bomb, and pictures do not get smaller.
    return {
        "Host": name,
        "Accept": accept,
        "Accept-Encoding": "identity",
        "User-Agent": USER_AGENT,
        "Connection": "close",
    }


def fetch(url: str, *, max_bytes: int, accept: str = "*/*") -> Fetched:
    """Fetch a URL from the public internet; see `Fetcher.fetch`."""
    return Fetcher().fetch(url, max_bytes=max_bytes, accept=accept)
