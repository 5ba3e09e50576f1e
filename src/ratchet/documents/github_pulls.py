"""Pull requests on GitHub, by its git data API: nothing is visible before a branch moves to a whole commit.

https://docs.github.com/rest/git and https://docs.github.com/rest/pulls
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from ratchet.documents.content import chooser
from ratchet.documents.forge import Checked, ForgeSession, Pull, PullState
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GitHubAccess, client
from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.domain.proposals import CurrentFile

TIMEOUT_S: Final = 30.0
MODE: Final = "100644"
MAX_HOPS: Final = 3
OK: Final = frozenset({200, 201, 304})
# What the caller may make sense of: not there, not (any longer) as was thought.
TOLD: Final = frozenset({404, 409, 422})
# Without a time from GitHub; and no longer than its hour.
LIMITED_S: Final = 60.0
LONGEST_LIMIT_S: Final = 3_700.0


@dataclass(frozen=True, slots=True)
class GitHubForge:
    """The repository of a source. `now`: seconds since the UTC epoch."""

    source: GitHubSource
    now: Callable[[], float] = time.time

    @property
    def repository(self) -> str:
        return self.source.access.base

    def objection(self, path: str) -> str | None:
        source = self.source
        if chooser(source.include, source.path)(path):
            return None
        below = f" below {source.path.strip('/')}/" if source.path.strip("/") else ""
        return f"the source {source.name} holds only {', '.join(source.include)}{below}"

    def session(self) -> AbstractAsyncContextManager[ForgeSession]:
        return self._session()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[ForgeSession]:
        # A thread: githubkit is half a second of imports when it is used for the first time.
        made = await asyncio.to_thread(client, self.source.access)
        async with made.get_async_client() as opened:
            yield GitHubPulls(opened, self.source, self.now)


@dataclass(frozen=True, slots=True)
class Said:
    """GitHub's answer. `data` is JSON, None for none."""

    status: int
    data: Any
    etag: str = ""


class GitHubPulls:
    """One connection; see `ForgeSession`."""

    def __init__(self, opened: httpx.AsyncClient, source: GitHubSource, now: Callable[[], float]) -> None:
        self._client = opened
        self._access: GitHubAccess = source.access
        self._branch = source.branch
        self._now = now
        # Where a repository that moved is now.
        self._root = f"{self._access.api_url}/repos/{self._access.full_name}"

    async def base(self) -> str:
        if self._branch:
            return self._branch
        found = await self._call("GET", "")
        return str(self._there(found)["default_branch"])

    async def head(self, branch: str) -> str | None:
        found = await self._call("GET", f"/git/ref/heads/{quote(branch)}")
        return str(found.data["object"]["sha"]) if found.status == 200 else None

    async def read(self, path: str, commit: str) -> CurrentFile | None:
        found = await self._call("GET", f"/contents/{quote(path)}?ref={commit}")
        if found.status != 200:
            return None
        if not isinstance(found.data, dict) or found.data.get("encoding") != "base64":
            raise Refused(f"{path} is no file that can be edited: a folder, or too large.")
        try:
            text = base64.b64decode(found.data["content"]).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(f"{path} is not UTF-8, so it is not edited.") from None
        return CurrentFile(text, str(found.data["sha"]))

    async def said(self, base: str, branch: str) -> Sequence[str]:
        found = await self._call("GET", f"/compare/{quote(base)}...{quote(branch)}")
        return [str(one["commit"]["message"]) for one in found.data["commits"]] if found.status == 200 else []

    async def commit(
        self, branch: str, parent: str, files: Mapping[str, str], message: str, *, new: bool
    ) -> bool:
        before = self._there(await self._call("GET", f"/git/commits/{parent}"))["tree"]["sha"]
        entries = [
            {"path": path, "mode": MODE, "type": "blob", "content": text} for path, text in files.items()
        ]
        tree = await self._made("/git/trees", {"base_tree": before, "tree": entries})
        sha = await self._made("/git/commits", {"message": message, "tree": tree, "parents": [parent]})
        if new:
            wanted = {"ref": f"refs/heads/{branch}", "sha": sha}
            return (await self._call("POST", "/git/refs", wanted)).status == 201
        moved = await self._call("PATCH", f"/git/refs/heads/{quote(branch)}", {"sha": sha, "force": False})
        return moved.status == 200

    async def pull(self, branch: str) -> Pull | None:
        head = quote(f"{self._access.owner}:{branch}")
        found = self._there(await self._call("GET", f"/pulls?head={head}&state=all&per_page=1"))
        return _pull(found[0]) if found else None

    async def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        wanted = {"title": title, "body": body, "head": branch, "base": base, "draft": True}
        made = await self._call("POST", "/pulls", wanted)
        if made.status == 422 and "draft" in _reason(made.data).lower():
            # Not every plan has drafts for private repositories.
            made = await self._call("POST", "/pulls", {**wanted, "draft": False})
        if made.status == 422 and "already exists" in _reason(made.data):
            there = await self.pull(branch)
            if there is not None:
                return there
        return _pull(self._there(made))

    async def describe(self, number: int, body: str) -> Pull:
        return _pull(self._there(await self._call("PATCH", f"/pulls/{number}", {"body": body})))

    async def check(self, number: int, etag: str) -> Checked:
        found = await self._call("GET", f"/pulls/{number}", etag=etag)
        if found.status == 304:
            return Checked(None, etag)
        return Checked(_pull(self._there(found)), found.etag)

    async def _made(self, path: str, body: Mapping[str, Any]) -> str:
        return str(self._there(await self._call("POST", path, body))["sha"])

    def _there(self, said: Said) -> Any:
        """The data of an answer that must have some. Raises Refused with GitHub's reason."""
        if said.status in OK:
            return said.data
        reason = _reason(said.data)
        if said.status == 404:
            hint = "It was deleted, or the token may not see or write it."
            raise Refused(f"{self._where} is not there for this token. {hint}", code="404")
        raise Refused(f"{self._where} did not accept it: {reason}", code=str(said.status))

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, etag: str = ""
    ) -> Said:
        headers = {"Accept": "application/vnd.github+json"} | ({"If-None-Match": etag} if etag else {})
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._answer(method, path, body, headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Transient(f"{self._where} does not answer: {type(error).__name__}.") from None
        self._check(response)
        try:
            data = response.json() if response.content else None
        except ValueError:
            raise Transient(f"{self._where} answered with something that is not JSON.") from None
        return Said(response.status_code, data, response.headers.get("ETag", ""))

    async def _answer(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        from githubkit.exception import GitHubException, RequestFailed  # noqa: PLC0415  # half a second

        for _ in range(MAX_HOPS):
            try:
                response = await self._client.request(
                    method, f"{self._root}{path}", json=body, headers=dict(headers)
                )
            except RequestFailed as error:
                # An App's own request for a token, made on the way.
                return error.response.raw_response
            except GitHubException as error:
                raise Misconfigured(f"{self._where}: cannot sign in: {type(error).__name__}.") from None
            if response.status_code not in (301, 302, 307, 308):
                return response
            self._follow(response, path)
        raise Refused(f"{self._where} redirects without end.")

    def _follow(self, response: httpx.Response, path: str) -> None:
        """A repository that moved is found by its number. Never on another server: the token goes along."""
        target, plain = response.headers.get("Location", "").partition("?")[0], path.partition("?")[0]
        if not target.startswith(f"{self._access.api_url}/") or not target.endswith(plain):
            raise Refused(f"{self._where} redirects to another server; that is not followed.")
        self._root = target[: len(target) - len(plain)] if plain else target

    def _check(self, response: httpx.Response) -> None:
        """Raises what no caller can make sense of."""
        status = response.status_code
        if status in OK or status in TOLD:
            return
        reason = _reason(_json(response))
        if status == 401:
            raise Misconfigured(
                f"{self._where} refuses the {'App' if self._access.app_id else 'token'} ({reason}): it is"
                " wrong, revoked or expired. Give the source a new one in the file of RATCHET_DOCUMENTATION."
            )
        if status == 429 or (status == 403 and _limited(response, reason)):
            wait = self._wait(response)
            raise Transient(f"{self._where} allows no more requests for {wait:.0f} s.", retry_after=wait)
        if status == 403:
            raise Misconfigured(
                f"{self._where} may not be written to with this token ({reason}). It needs the permissions"
                " Contents and Pull requests, to read and write."
            )
        raise Transient(f"{self._where} answered {status}: {reason}")

    def _wait(self, response: httpx.Response) -> float:
        """Seconds until GitHub wants to be asked again."""
        after, resets = response.headers.get("Retry-After", ""), response.headers.get("X-RateLimit-Reset", "")
        wait = float(after) if after.isdigit() else LIMITED_S
        if not after and resets.isdigit():
            wait = float(resets) - self._now()
        return min(max(wait, 1.0), LONGEST_LIMIT_S)

    @property
    def _where(self) -> str:
        return f"{urlsplit(self._access.github_url).netloc}, repository {self._access.full_name},"


def _limited(response: httpx.Response, reason: str) -> bool:
    headers = response.headers
    return (
        "Retry-After" in headers
        or headers.get("X-RateLimit-Remaining") == "0"
        or "rate limit" in reason.lower()
    )


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _reason(data: Any) -> str:
    """GitHub's own words: the message, and what it says of single fields."""
    if not isinstance(data, dict):
        return "no reason given"
    errors = data.get("errors")
    details = [_detail(one) for one in (errors if isinstance(errors, list) else [])]
    return "; ".join([str(data.get("message") or "no reason given"), *details])[:300]


def _detail(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or f"{error.get('field')} {error.get('code')}")


def _pull(data: Mapping[str, Any]) -> Pull:
    merged = data.get("merged_at") is not None
    state: PullState = "merged" if merged else "closed" if data["state"] == "closed" else "open"
    return Pull(int(data["number"]), str(data["html_url"]), state, str(data.get("body") or ""))
