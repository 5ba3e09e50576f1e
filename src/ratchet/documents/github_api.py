"""GitHub's REST API, read: access, answers, errors by audience. githubkit does the signing in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from ratchet.domain.errors import Refused, Transient

if TYPE_CHECKING:
    from githubkit import GitHub

GITHUB: Final = "https://github.com"
RAW: Final = "application/vnd.github.raw+json"
SHA: Final = "application/vnd.github.sha"
JSON: Final = "application/vnd.github+json"
TIMEOUT_S: Final = 60.0
CONNECT_S: Final = 10.0
MAX_HOPS: Final = 3
MAX_BODY: Final = 64_000_000
# Without a time from GitHub; and no longer than its hour.
LIMITED_S: Final = 60.0
LONGEST_LIMIT_S: Final = 3_700.0
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class GitHubAccess:
    """A repository and how to sign in: by token, as a GitHub App's installation, or not at all.

    `github_url`: https://github.com, or the address of a GitHub Enterprise server.
    """

    owner: str
    repo: str
    github_url: str = GITHUB
    token: str = field(default="", repr=False)
    app_id: str = ""
    installation_id: int = 0
    private_key: str = field(default="", repr=False)

    @property
    def api_url(self) -> str:
        return "https://api.github.com" if self.github_url == GITHUB else f"{self.github_url}/api/v3"

    @property
    def base(self) -> str:
        """Where people open it."""
        return f"{self.github_url}/{self.owner}/{self.repo}"

    @property
    def means(self) -> str:
        """What signs in, for messages."""
        return "App" if self.app_id else "token"

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.repo}"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: 200, or 304 with no content when the `etag` that was given still holds."""

    status: int
    etag: str
    content: bytes

    def json(self) -> Any:
        """Raises Transient when it is none: a proxy's error page, say."""
        try:
            return httpx.Response(200, content=self.content).json()
        except ValueError:
            raise Transient("GitHub answered with something that is not JSON.") from None


class NotThereError(Refused):
    """GitHub knows no such thing, or does not show it to this token."""


class TooLargeError(Refused):
    """The answer is larger than it may be."""


class GitHubApi:
    """Reads of one repository. `now`: seconds since the UTC epoch. `requests` counts them."""

    def __init__(self, client: httpx.AsyncClient, access: GitHubAccess, now: Callable[[], float]) -> None:
        self._client = client
        self._access = access
        self._now = now
        self.requests = 0
        # Where a repository that moved is now, below the API's root.
        self.root = f"/repos/{access.full_name}"
        self.moved = False

    async def get(self, path: str, *, accept: str = JSON, etag: str = "", most: int = MAX_BODY) -> Answer:
        """`path` is below the repository. Raises Refused (NotThereError, TooLargeError), Transient."""
        headers = {"Accept": accept} | ({"If-None-Match": etag} if etag else {})
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._get(path, headers, most)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Transient(f"{self._where} does not answer: {type(error).__name__}.") from None

    async def _get(self, path: str, headers: Mapping[str, str], most: int) -> Answer:
        for _ in range(MAX_HOPS):
            self.requests += 1
            async with self._stream(f"{self._access.api_url}{self.root}{path}", headers) as response:
                if response.status_code in (301, 302, 307, 308):
                    self._follow(response, path)
                    continue
                content = await _body(response, most)
                self._check(response, content)
                return Answer(response.status_code, response.headers.get("ETag", ""), content)
        raise Refused(f"{self._where} redirects without end.")

    @asynccontextmanager
    async def _stream(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        from githubkit.exception import GitHubException, RequestFailed  # noqa: PLC0415  # half a second

        try:
            async with self._client.stream("GET", url, headers=dict(headers)) as response:
                yield response
        except RequestFailed as error:
            # The App's own request for a token, made on the way.
            answered = error.response.raw_response
            self._check(answered, answered.content)
            raise
        except GitHubException as error:
            raise Refused(f"{self._where}: cannot sign in: {type(error).__name__}.") from None

    def _follow(self, response: httpx.Response, path: str) -> None:
        """A moved repository is found by its number. Never to another server: the token goes along."""
        target = response.headers.get("Location", "")
        start, api = self._access.api_url, urlsplit(self._access.api_url)
        plain = path.partition("?")[0]
        if not target.startswith(f"{start}/") or urlsplit(target).netloc != api.netloc:
            raise Refused(f"{self._where} redirects to another server; that is not followed.")
        root = target.partition("?")[0].removeprefix(start).removesuffix(plain)
        self.root, self.moved = root.rstrip("/"), True

    @property
    def _where(self) -> str:
        host = urlsplit(self._access.github_url).netloc
        return f"{host}, repository {self._access.full_name},"

    def _check(self, response: httpx.Response, content: bytes) -> None:
        status = response.status_code
        if status < 400:
            return
        said = _message(content)
        if status == 401:
            raise Refused(
                f"{self._where} refuses the {self._access.means} ({said}): it is wrong,"
                " revoked or expired. Give the source a new one in the file of RATCHET_DOCUMENTATION.",
                code="bad_credentials",
            )
        if status == 429 or (status == 403 and _limited(response, said)):
            wait = self._wait(response)
            raise Transient(f"{self._where} allows no more requests for {wait:.0f} s.", retry_after=wait)
        if status == 403:
            raise Refused(f"{self._where} may not be read with this token: {said}", code="forbidden")
        if status in (404, 409, 410, 422, 451):
            raise NotThereError(f"{self._where} is not there for this token: {said}", code=str(status))
        raise Transient(f"{self._where} answered {status}: {said}")

    def _wait(self, response: httpx.Response) -> float:
        """Seconds until GitHub wants to be asked again."""
        after, resets = response.headers.get("Retry-After", ""), response.headers.get("X-RateLimit-Reset", "")
        if after.isdigit():
            wait = float(after)
        elif resets.isdigit() and response.headers.get("X-RateLimit-Remaining") == "0":
            wait = float(resets) - self._now()
        else:
            wait = LIMITED_S
        return min(max(wait, 1.0), LONGEST_LIMIT_S)


def _limited(response: httpx.Response, said: str) -> bool:
    headers = response.headers
    return (
        "Retry-After" in headers
        or headers.get("X-RateLimit-Remaining") == "0"
        or "rate limit" in said.lower()
    )


async def _body(response: httpx.Response, most: int) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > most:
            raise TooLargeError(f"The answer has more than {most:,} bytes.")
    return bytes(content)


def _message(content: bytes) -> str:
    """GitHub's own words, if it is GitHub that answered."""
    try:
        said = httpx.Response(200, content=content).json()
    except ValueError:
        return "no JSON"
    message = said.get("message") if isinstance(said, dict) else None
    return str(message or "no reason given")[:200]


@asynccontextmanager
async def connect(access: GitHubAccess, now: Callable[[], float] = time.time) -> AsyncIterator[GitHubApi]:
    """One connection. An App's token is kept in this process for as long as it is good."""
    async with client(access).get_async_client() as opened:
        yield GitHubApi(opened, access, now)


def client(access: GitHubAccess) -> GitHub[Any]:
    """githubkit's own client for the repository's server; for who wants to write."""
    from githubkit import AppInstallationAuthStrategy, GitHub, TokenAuthStrategy, UnauthAuthStrategy  # noqa: PLC0415  # slow

    auth: Any = UnauthAuthStrategy()
    if access.app_id:
        auth = AppInstallationAuthStrategy(access.app_id, access.private_key, access.installation_id)
    elif access.token:
        auth = TokenAuthStrategy(access.token)
    return GitHub(
        auth,
        base_url=access.api_url,
        user_agent="ratchet",
        follow_redirects=False,
        timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S),
        trust_env=urlsplit(access.github_url).hostname not in LOOPBACK,
        http_cache=False,
        auto_retry=False,
    )
