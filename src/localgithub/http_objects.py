"""Git's own objects: references, trees, blobs, commits; and files by path."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from aiohttp import web

from localgithub.answers import (
    HUB,
    ApiError,
    account,
    answer,
    fields,
    may_write,
    not_found,
    repository,
    tagged,
    text,
    unprocessable,
)
from localgithub.git import ZERO, Entry, GitError
from localgithub.hub import Hub
from localgithub.model import Json, Repo

MODES = ("100644", "100755", "040000", "160000", "120000")
# GitHub answers no content of a larger file by path, and of a blob above the second.
MAX_CONTENT = 1_000_000
MAX_BLOB = 100_000_000


def routes(root: str) -> list[web.RouteDef]:
    return [
        web.get(f"{root}/git/ref/{{ref:.+}}", show_ref),
        web.get(f"{root}/git/matching-refs/{{ref:.+}}", matching_refs),
        web.post(f"{root}/git/refs", create_ref),
        web.patch(f"{root}/git/refs/{{ref:.+}}", update_ref),
        web.delete(f"{root}/git/refs/{{ref:.+}}", delete_ref),
        web.get(f"{root}/git/trees/{{tree:.+}}", show_tree),
        web.post(f"{root}/git/trees", create_tree),
        web.get(f"{root}/git/blobs/{{sha}}", show_blob),
        web.post(f"{root}/git/blobs", create_blob),
        web.get(f"{root}/git/commits/{{sha}}", show_commit),
        web.post(f"{root}/git/commits", create_commit),
        web.get(f"{root}/contents/{{path:.*}}", show_content),
        web.put(f"{root}/contents/{{path:.+}}", put_content),
    ]


def ref_json(hub: Hub, repo: Repo, name: str, sha: str) -> Json:
    url = f"{hub.url}/api/v3/repos/{repo.full_name}/git/{name}"
    return {"ref": name, "url": url, "object": {"sha": sha, "type": "commit"}}


async def show_ref(request: web.Request) -> web.Response:
    repo, name = repository(request), f"refs/{request.match_info['ref']}"
    sha = await repo.git.ref(name)
    if sha is None:
        raise not_found()
    return answer(request, ref_json(request.app[HUB], repo, name, sha))


async def matching_refs(request: web.Request) -> web.Response:
    repo, prefix = repository(request), request.match_info["ref"]
    found = {f"heads/{name}": sha for name, sha in (await repo.git.branches()).items()}
    matching = [(f"refs/{name}", sha) for name, sha in sorted(found.items()) if name.startswith(prefix)]
    return answer(request, [ref_json(request.app[HUB], repo, name, sha) for name, sha in matching])


async def create_ref(request: web.Request) -> web.Response:
    repo, body = may_write(request), await fields(request)
    name, sha = text(body, "ref"), text(body, "sha")
    if not name.startswith("refs/") or name.count("/") < 2:
        raise unprocessable("Reference name must start with 'refs/' and contain at least two slashes.")
    if await repo.git.commit_of(sha) is None:
        raise unprocessable("Object does not exist")
    if await repo.git.ref(name):
        raise unprocessable("Reference already exists")
    try:
        await repo.git.update_ref(name, sha, ZERO)
    except GitError as error:
        raise unprocessable(f"Reference update failed: {error}") from None
    return answer(request, ref_json(request.app[HUB], repo, name, sha), 201)


async def update_ref(request: web.Request) -> web.Response:
    """Forward only, unless `force`."""
    repo, body = may_write(request), await fields(request)
    name, sha = f"refs/{request.match_info['ref']}", text(body, "sha")
    before = await repo.git.ref(name)
    if before is None:
        raise unprocessable("Reference does not exist")
    if await repo.git.commit_of(sha) is None:
        raise unprocessable("Object does not exist")
    if not body.get("force") and not await repo.git.is_ancestor(before, sha):
        raise unprocessable("Update is not a fast forward")
    try:
        await repo.git.update_ref(name, sha, before)
    except GitError:
        raise ApiError(409, "Reference was updated meanwhile") from None
    return answer(request, ref_json(request.app[HUB], repo, name, sha))


async def delete_ref(request: web.Request) -> web.Response:
    repo, name = may_write(request), f"refs/{request.match_info['ref']}"
    if await repo.git.ref(name) is None:
        raise unprocessable("Reference does not exist")
    await repo.git.delete_ref(name)
    return web.Response(status=204)


async def show_tree(request: web.Request) -> web.Response:
    """Cut after the repository's limit of entries, which `truncated` says."""
    hub, repo = request.app[HUB], repository(request)
    rev = request.match_info["tree"]
    recursive = "recursive" in request.query
    tree = await repo.git.commit_of(rev) or rev
    entries = None if tree.startswith("-") else await repo.git.read_tree(tree, recursive)
    if entries is None:
        raise not_found()
    sha = (await repo.git.run("rev-parse", f"{tree}^{{tree}}")).decode().strip()
    body = {
        "sha": sha,
        "tree": [_entry_json(hub, repo, entry) for entry in entries[: repo.tree_limit]],
        "truncated": len(entries) > repo.tree_limit,
    }
    return answer(request, body)


def _entry_json(hub: Hub, repo: Repo, entry: Entry) -> Json:
    found: Json = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    if entry.size is not None:
        found["size"] = entry.size
    if entry.kind != "commit":
        kind = "blobs" if entry.kind == "blob" else "trees"
        found["url"] = f"{hub.url}/api/v3/repos/{repo.full_name}/git/{kind}/{entry.sha}"
    return found


async def create_tree(request: web.Request) -> web.Response:
    repo, body = may_write(request), await fields(request)
    entries = [await _given_entry(repo, entry) for entry in _list(body, "tree")]
    base = body.get("base_tree")
    try:
        sha = await repo.git.write_tree(str(base) if base else None, entries)
    except GitError as error:
        raise unprocessable(f"Invalid tree info: {error}") from None
    tree = await repo.git.read_tree(sha, recursive=False) or []
    shown = [_entry_json(request.app[HUB], repo, entry) for entry in tree]
    return answer(request, {"sha": sha, "tree": shown, "truncated": False}, 201)


def _list(body: Json, name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    return value


async def _given_entry(repo: Repo, entry: Any) -> tuple[str, str | None, str]:
    """Mode, hash and path; with `content`, a blob of it. A hash of null deletes."""
    if not isinstance(entry, dict) or entry.get("mode", "100644") not in MODES:
        raise unprocessable("Must supply a valid tree.mode")
    path = text(entry, "path")
    if not path or path.startswith("/") or any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise unprocessable("tree.path contains a malformed path component")
    if isinstance(entry.get("content"), str):
        return entry.get("mode", "100644"), await repo.git.write_blob(entry["content"].encode()), path
    if "sha" not in entry:
        raise unprocessable("Must supply either tree.sha or tree.content")
    return entry.get("mode", "100644"), entry["sha"], path


async def show_blob(request: web.Request) -> web.Response:
    repo, sha = repository(request), request.match_info["sha"]
    content = None if sha.startswith("-") else await repo.git.blob(sha)
    if content is None:
        raise not_found()
    if len(content) > MAX_BLOB:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    if "application/vnd.github.raw" in request.headers.get("Accept", ""):
        return tagged(request, content, "application/vnd.github.raw")
    encoded = base64.encodebytes(content).decode()
    return answer(request, {"sha": sha, "size": len(content), "encoding": "base64", "content": encoded})


async def create_blob(request: web.Request) -> web.Response:
    repo, body = may_write(request), await fields(request)
    content = _decoded(text(body, "content"), text(body, "encoding", "utf-8"))
    sha = await repo.git.write_blob(content)
    url = f"{request.app[HUB].url}/api/v3/repos/{repo.full_name}/git/blobs/{sha}"
    return answer(request, {"sha": sha, "url": url}, 201)


def _decoded(content: str, encoding: str) -> bytes:
    if encoding != "base64":
        return content.encode()
    try:
        return base64.b64decode(content)
    except binascii.Error:
        raise unprocessable("content is not valid Base64") from None


async def show_commit(request: web.Request) -> web.Response:
    repo = repository(request)
    sha = await repo.git.commit_of(request.match_info["sha"])
    if sha is None:
        raise not_found()
    return answer(request, await _commit_json(request.app[HUB], repo, sha))


async def _commit_json(hub: Hub, repo: Repo, sha: str) -> Json:
    found = await repo.git.commit(sha)
    who = {"name": found.author, "email": found.email, "date": found.when}
    return {
        "sha": found.sha,
        "html_url": f"{hub.url}/{repo.full_name}/commit/{found.sha}",
        "message": found.message,
        "author": who,
        "committer": who,
        "tree": {"sha": found.tree},
        "parents": [{"sha": parent} for parent in found.parents],
    }


async def create_commit(request: web.Request) -> web.Response:
    hub, repo, body = request.app[HUB], may_write(request), await fields(request)
    parents = [str(parent) for parent in body.get("parents") or []]
    author = body.get("author")
    given = author if isinstance(author, dict) else {}
    login = account(request).login
    who = (str(given.get("name") or login), str(given.get("email") or f"{login}@users.noreply.github.com"))
    when = f"{int(hub.clock())} +0000"
    try:
        sha = await repo.git.write_commit(text(body, "tree"), parents, text(body, "message"), who, when)
    except GitError as error:
        raise unprocessable(f"Tree SHA does not exist: {error}") from None
    return answer(request, await _commit_json(hub, repo, sha), 201)


async def show_content(request: web.Request) -> web.Response:
    """A file with its content, or a folder's files."""
    hub, repo = request.app[HUB], repository(request)
    path = request.match_info["path"].strip("/")
    ref = request.query.get("ref", repo.default_branch)
    commit = await repo.git.commit_of(ref)
    if commit is None:
        raise ApiError(404, f"No commit found for the ref {ref}")
    entry = await repo.git.entry_at(commit, path) if path else Entry("040000", "tree", commit, None, "")
    if entry is None:
        raise not_found()
    if entry.kind == "tree":
        listed = await repo.git.read_tree(entry.sha, recursive=False) or []
        prefix = f"{path}/" if path else ""
        return answer(request, [_file_json(hub, repo, ref, each, prefix + each.path) for each in listed])
    content = await repo.git.blob(entry.sha) or b""
    if "application/vnd.github.raw" in request.headers.get("Accept", ""):
        return tagged(request, content, "application/vnd.github.raw")
    shown = content if len(content) <= MAX_CONTENT else b""
    found = _file_json(hub, repo, ref, entry, path)
    found |= {"encoding": "base64" if shown or not content else "none"}
    return answer(request, found | {"content": base64.encodebytes(shown).decode()})


def _file_json(hub: Hub, repo: Repo, ref: str, entry: Entry, path: str) -> Json:
    kind = {"tree": "dir", "commit": "submodule"}.get(entry.kind, "file")
    return {
        "type": kind,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "html_url": f"{hub.url}/{repo.full_name}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{path}",
    }


async def put_content(request: web.Request) -> web.Response:
    """Creates a file, or replaces the version that `sha` names; another version is a 409."""
    hub, repo, body = request.app[HUB], may_write(request), await fields(request)
    path, branch = request.match_info["path"].strip("/"), text(body, "branch", repo.default_branch)
    head = await repo.git.ref(f"refs/heads/{branch}")
    if head is None:
        raise ApiError(404, f"Branch {branch} not found")
    entry, given = await repo.git.entry_at(head, path), body.get("sha")
    if entry is not None and given is None:
        raise unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if (entry.sha if entry else None) != given:
        raise ApiError(409, f"{path} does not match {given}")
    blob = await repo.git.write_blob(_decoded(text(body, "content"), "base64"))
    tree = await repo.git.write_tree(head, [await _given_entry(repo, {"path": path, "sha": blob})])
    login = account(request).login
    who, when = (login, f"{login}@users.noreply.github.com"), f"{int(hub.clock())} +0000"
    sha = await repo.git.write_commit(tree, [head], text(body, "message"), who, when)
    try:
        await repo.git.update_ref(f"refs/heads/{branch}", sha, head)
    except GitError:
        raise ApiError(409, f"{branch} was updated meanwhile") from None
    written = _file_json(hub, repo, branch, Entry("100644", "blob", blob, None, path), path)
    return answer(
        request, {"content": written, "commit": await _commit_json(hub, repo, sha)}, 200 if entry else 201
    )
