"""HTTP for websites: to public addresses of one origin only, bounded, at an easy pace."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from ratchet import __version__
from ratchet.domain.errors import Refused, Transient

AGENT: Final = "ratchet"
HEADERS: Final = {"User-Agent": f"{AGENT}/{__version__} (documentation)", "Accept-Encoding": "gzip, deflate"}
TIMEOUT_S: Final = 30.0
WHOLE_S: Final = 60.0
MAX_HOPS: Final = 5
MAX_WAIT_S: Final = 3_600.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that carry another one: NAT64.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an address."""

    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == usual else f":{self.port}")


def origin(url: str) -> Origin | None:
    """None for what is no web address."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return Origin(
            parts.scheme, parts.hostname.lower(), parts.port or {"https": 443, "http": 80}[parts.scheme]
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Fetched:
    """`url` is where it was found in the end. `status` 304: as known; other than 200: why not."""

    url: str
    status: int
    content: bytes = b""
    kind: str = ""
    etag: str = ""
    modified: str = ""
    charset: str = ""
    robots: str = ""


class TooLargeError(Refused):
    """The answer is larger than it may be."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises Transient."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Transient(f"{host} has no address: {error.strerror or error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def private(text: str) -> str | None:
    """Why an address is none of the public network's; None when it is one."""
    address: IpAddress = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return private(str(inner))
        if address.teredo is not None:
            return "a tunnel's"
    if address.is_link_local or address.is_unspecified or address.is_multicast or address.is_reserved:
        return "no host's"
    if address.is_loopback:
        return "this machine's"
    return None if address.is_global else "a private network's"


# Also an operator cannot mean these: link-local is where clouds keep their credentials.
NEVER: Final = frozenset({"no host's", "a tunnel's"})


@dataclass(slots=True)
class Fetcher:
    """`allowed`: hosts that may have private addresses. `pause_s` passes between two requests.

    The address that was checked is the one connected to, so that a name cannot point elsewhere meanwhile.
    """

    client: httpx.AsyncClient
    home: Origin
    allowed: frozenset[str] = frozenset()
    pause_s: float = 0.2
    resolve: Resolve = resolve
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    requests: int = 0
    _addresses: dict[tuple[str, int], str] = field(default_factory=dict)

    async def get(self, url: str, most: int, known: Mapping[str, str] | None = None) -> Fetched:
        """`known`: etag and modified of what is stored. Raises Refused (TooLargeError), Transient."""
        seen = set[str]()
        for _ in range(MAX_HOPS + 1):
            seen.add(url)
            found, target = await self._once(url, most, known or {})
            if not target:
                return found
            url = urljoin(url, target)
            if url in seen:
                raise Refused(f"{url} redirects in a circle.")
            if origin(url) != self.home:
                raise Refused(f"{found.url} redirects off the site, to {_brief(url)}; that is not followed.")
        raise Refused(f"{url} redirects more than {MAX_HOPS} times.")

    async def _once(self, url: str, most: int, known: Mapping[str, str]) -> tuple[Fetched, str]:
        at = origin(url)
        if at != self.home or at is None:
            raise Refused(f"{_brief(url)} is not of the site {self.home.shown}.")
        address = await self._checked(at)
        if self.requests:
            await self.sleep(self.pause_s)
        self.requests += 1
        try:
            async with asyncio.timeout(WHOLE_S):
                return await self._send(url, at, address, most, known)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Transient(f"{_brief(url)} does not answer: {type(error).__name__}.") from None

    async def _checked(self, at: Origin) -> str:
        """An address of the host that may be connected to. Raises Refused."""
        known = self._addresses.get((at.host, at.port))
        if known:
            return known
        addresses = await self.resolve(at.host, at.port)
        for address in addresses:
            why = private(address)
            if why in NEVER or (why is not None and at.host not in self.allowed):
                raise Refused(
                    f"{at.host} has the address {address}, which is {why}; websites are read on public"
                    " addresses only. List the host under `allow_private` if you mean it."
                )
        if not addresses:
            raise Transient(f"{at.host} has no address.")
        self._addresses[at.host, at.port] = addresses[0]
        return addresses[0]

    async def _send(
        self, url: str, at: Origin, address: str, most: int, known: Mapping[str, str]
    ) -> tuple[Fetched, str]:
        parts = urlsplit(url)
        host = f"[{address}]" if ":" in address else address
        direct = urlunsplit((parts.scheme, f"{host}:{at.port}", parts.path or "/", parts.query, ""))
        headers = {**HEADERS, "Host": at.shown.partition("://")[2]}
        if known.get("etag"):
            headers["If-None-Match"] = known["etag"]
        if known.get("modified"):
            headers["If-Modified-Since"] = known["modified"]
        extensions = {"sni_hostname": at.host}
        async with self.client.stream("GET", direct, headers=headers, extensions=extensions) as response:
            return await _taken(url, response, most)


async def _taken(url: str, response: httpx.Response, most: int) -> tuple[Fetched, str]:
    """The answer, and where it redirects to; "" for nowhere."""
    status, headers = response.status_code, response.headers
    if status in (301, 302, 303, 307, 308):
        return Fetched(url, status), headers.get("Location", "") or url
    if status == 429 or status >= 500:
        after = headers.get("Retry-After", "")
        wait = min(float(after), MAX_WAIT_S) if after.isdigit() else None
        raise Transient(
            f"{_brief(url)} answered {status}.", retry_after=wait if status in (429, 503) else None
        )
    content = bytearray()
    if status == 200:
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > most:
                raise TooLargeError(f"{_brief(url)} is larger than {most / 1e6:g} MB.")
    fetched = Fetched(
        url,
        status,
        bytes(content),
        headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        headers.get("ETag", "")[:300],
        headers.get("Last-Modified", "")[:100],
        response.charset_encoding or "",
        headers.get("X-Robots-Tag", "").lower(),
    )
    return fetched, ""


def _brief(url: str) -> str:
    """An address for messages, without what may be secret in it."""
    return url.partition("?")[0].partition("#")[0][:200]


def open_client() -> httpx.AsyncClient:
    """No proxy: it would connect to addresses that nobody checked."""
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=2)
    return httpx.AsyncClient(follow_redirects=False, timeout=TIMEOUT_S, trust_env=False, limits=limits)
