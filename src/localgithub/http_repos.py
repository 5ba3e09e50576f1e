"""Repositories, branches, commits, comparisons."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localgithub.answers import HUB, account, answer, not_found, repository, tagged
from localgithub.git import Change, Commit
from localgithub.hub import Hub
from localgithub.model import Json, Repo

# GitHub answers at most so many files of a comparison.
MAX_COMPARED = 300
MAX_COMMITS = 250


def routes(root: str) -> list[web.RouteDef]:
    return [
        web.get(root, show),
        web.get(f"{root}/branches/{{branch:.+}}", branch),
        web.get(f"{root}/commits/{{ref:.+}}", commit),
        web.get(f"{root}/compare/{{basehead:.+}}", compare),
    ]


def repo_json(hub: Hub, repo: Repo, can_write: bool = True) -> Json:
    """The part of GitHub's repository that clients of ours read."""
    return {
        "id": repo.id,
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": {"login": repo.owner, "type": "Organization"},
        "private": repo.private,
        "archived": repo.archived,
        "default_branch": repo.default_branch,
        "html_url": f"{hub.url}/{repo.full_name}",
        "url": f"{hub.url}/api/v3/repos/{repo.full_name}",
        "permissions": {"admin": False, "push": can_write, "pull": True},
    }


async def show(request: web.Request) -> web.Response:
    repo = repository(request)
    return answer(request, repo_json(request.app[HUB], repo, account(request).can_write))


async def branch(request: web.Request) -> web.Response:
    repo, name = repository(request), request.match_info["branch"]
    sha = await repo.git.ref(f"refs/heads/{name}")
    if sha is None:
        raise not_found()
    found = commit_json(request.app[HUB], repo, await repo.git.commit(sha))
    return answer(request, {"name": name, "commit": found, "protected": False})


async def commit(request: web.Request) -> web.Response:
    """A commit by branch, tag, HEAD or hash; only its hash for `Accept: application/vnd.github.sha`."""
    repo, ref = repository(request), request.match_info["ref"]
    if not await repo.git.branches():
        return web.json_response({"message": "Git Repository is empty.", "status": "409"}, status=409)
    sha = await repo.git.commit_of(ref)
    if sha is None:
        message = f"No commit found for SHA: {ref}"
        return web.json_response({"message": message, "status": "422"}, status=422)
    if "application/vnd.github.sha" in request.headers.get("Accept", ""):
        return tagged(request, sha.encode(), "application/vnd.github.sha")
    return answer(request, commit_json(request.app[HUB], repo, await repo.git.commit(sha)))


def commit_json(hub: Hub, repo: Repo, found: Commit) -> Json:
    api = f"{hub.url}/api/v3/repos/{repo.full_name}"
    who = {"name": found.author, "email": found.email, "date": found.when}
    return {
        "sha": found.sha,
        "html_url": f"{hub.url}/{repo.full_name}/commit/{found.sha}",
        "url": f"{api}/commits/{found.sha}",
        "commit": {
            "message": found.message,
            "author": who,
            "committer": who,
            "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
        },
        "parents": [{"sha": parent} for parent in found.parents],
    }


async def compare(request: web.Request) -> web.Response:
    """`BASE...HEAD`: the files that changed since their common commit, at most 300."""
    hub, repo = request.app[HUB], repository(request)
    base_name, dots, head_name = request.match_info["basehead"].partition("...")
    base, head = await repo.git.commit_of(base_name), await repo.git.commit_of(head_name)
    if not dots or base is None or head is None:
        raise not_found()
    common = await repo.git.merge_base(base, head)
    if common is None:
        return web.json_response({"message": f"No common ancestor between {base} and {head}."}, status=404)
    ahead, behind = await repo.git.count(base, head), await repo.git.count(head, base)
    changes = await repo.git.changes(common, head)
    commits = [await repo.git.commit(sha) for sha in await repo.git.history(base, head, MAX_COMMITS)]
    body: dict[str, Any] = {
        "html_url": f"{hub.url}/{repo.full_name}/compare/{base_name}...{head_name}",
        "status": _status(ahead, behind),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "merge_base_commit": {"sha": common},
        "base_commit": {"sha": base},
        "commits": [commit_json(hub, repo, each) for each in commits],
        "files": [change_json(hub, repo, head, each) for each in changes[:MAX_COMPARED]],
    }
    return answer(request, body)


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def change_json(hub: Hub, repo: Repo, head: str, change: Change) -> Json:
    found: Json = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "blob_url": f"{hub.url}/{repo.full_name}/blob/{head}/{change.path}",
    }
    if change.before:
        found["previous_filename"] = change.before
    return found
