"""Pull requests and the comments on them."""

from __future__ import annotations

from aiohttp import web

from localgithub.answers import HUB, ApiError, account, answer, fields, may_write, not_found, repository, text
from localgithub.answers import unprocessable as refused
from localgithub.git import GitError
from localgithub.http_repos import change_json, repo_json
from localgithub.hub import Hub
from localgithub.model import Comment, Json, Pull, Repo, iso


def routes(root: str) -> list[web.RouteDef]:
    return [
        web.get(f"{root}/pulls", listed),
        web.post(f"{root}/pulls", create),
        web.get(f"{root}/pulls/{{number:\\d+}}", show),
        web.patch(f"{root}/pulls/{{number:\\d+}}", update),
        web.get(f"{root}/pulls/{{number:\\d+}}/files", files),
        web.put(f"{root}/pulls/{{number:\\d+}}/merge", merge),
        web.get(f"{root}/issues/{{number:\\d+}}/comments", comments),
        web.post(f"{root}/issues/{{number:\\d+}}/comments", comment),
    ]


def pull_of(repo: Repo, request: web.Request) -> Pull:
    pull = repo.pulls.get(int(request.match_info["number"]))
    if pull is None:
        raise not_found()
    return pull


async def pull_json(hub: Hub, repo: Repo, pull: Pull) -> Json:
    head = await hub.head_of(repo, pull)
    page = f"{hub.url}/{repo.full_name}/pull/{pull.number}"
    about = repo_json(hub, repo)
    return {
        "id": repo.id * 10_000 + pull.number,
        "number": pull.number,
        "state": pull.state,
        "draft": pull.draft,
        "title": pull.title,
        "body": pull.body,
        "html_url": page,
        "url": f"{hub.url}/api/v3/repos/{repo.full_name}/pulls/{pull.number}",
        "user": {"login": pull.author},
        "head": {"ref": pull.head, "sha": head, "label": f"{repo.owner}:{pull.head}", "repo": about},
        "base": {"ref": pull.base, "sha": pull.base_sha, "label": f"{repo.owner}:{pull.base}", "repo": about},
        "merged": pull.merged_at is not None,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_sha,
        "closed_at": pull.closed_at,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at or pull.created_at,
        "comments": len(pull.comments),
    }


async def listed(request: web.Request) -> web.Response:
    """Newest first, by `state`, `head` (`OWNER:BRANCH`) and `base`."""
    hub, repo, query = request.app[HUB], repository(request), request.query
    state, head = query.get("state", "open"), query.get("head", "")
    found = [
        pull
        for pull in sorted(repo.pulls.values(), key=lambda pull: -pull.number)
        if state in ("all", pull.state)
        and (not head or head == f"{repo.owner}:{pull.head}")
        and query.get("base", pull.base) == pull.base
    ]
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    shown = found[(page - 1) * size : page * size]
    return answer(request, [await pull_json(hub, repo, pull) for pull in shown])


async def create(request: web.Request) -> web.Response:
    hub, repo, body = request.app[HUB], may_write(request), await fields(request)
    head = text(body, "head").removeprefix(f"{repo.owner}:")
    base = text(body, "base")
    await _check(repo, head, base)
    number = len(repo.pulls) + 1
    now = iso(hub.clock())
    pull = Pull(
        number, text(body, "title"), str(body.get("body") or ""), head, base, account(request).login, now
    )
    pull.draft = bool(body.get("draft"))
    pull.base_sha = await repo.git.ref(f"refs/heads/{base}") or ""
    repo.pulls[number] = pull
    return answer(request, await pull_json(hub, repo, pull), 201)


async def _check(repo: Repo, head: str, base: str) -> None:
    """Raises ApiError as GitHub does for branches that are not there, equal, or have one already."""
    invalid = [
        {"resource": "PullRequest", "field": name, "code": "invalid"}
        for name, branch in (("head", head), ("base", base))
        if await repo.git.ref(f"refs/heads/{branch}") is None
    ]
    if invalid:
        raise refused("Validation Failed", invalid)
    if any(pull.state == "open" and (pull.head, pull.base) == (head, base) for pull in repo.pulls.values()):
        message = f"A pull request already exists for {repo.owner}:{head}."
        raise refused("Validation Failed", [_custom(message)])
    if not await repo.git.count(f"refs/heads/{base}", f"refs/heads/{head}"):
        raise refused("Validation Failed", [_custom(f"No commits between {base} and {head}")])


def _custom(message: str) -> Json:
    return {"resource": "PullRequest", "code": "custom", "message": message}


async def show(request: web.Request) -> web.Response:
    repo = repository(request)
    return answer(request, await pull_json(request.app[HUB], repo, pull_of(repo, request)))


async def update(request: web.Request) -> web.Response:
    hub, repo, body = request.app[HUB], may_write(request), await fields(request)
    pull = pull_of(repo, request)
    pull.title, pull.body = text(body, "title", pull.title), text(body, "body", pull.body)
    state = text(body, "state", pull.state)
    if state == "closed" and pull.state == "open":
        await hub.head_of(repo, pull)
        hub.close(repo, pull.number)
    elif state == "open" and pull.state == "closed":
        if pull.merged_at or await repo.git.ref(f"refs/heads/{pull.head}") is None:
            raise refused("Validation Failed", [_custom("state cannot be changed.")])
        pull.state, pull.closed_at = "open", None
    pull.updated_at = iso(hub.clock())
    return answer(request, await pull_json(hub, repo, pull))


async def files(request: web.Request) -> web.Response:
    hub, repo = request.app[HUB], repository(request)
    pull = pull_of(repo, request)
    head = await hub.head_of(repo, pull)
    common = await repo.git.merge_base(pull.base_sha, head) or pull.base_sha
    changes = await repo.git.changes(common, head)
    return answer(request, [change_json(hub, repo, head, change) for change in changes])


async def merge(request: web.Request) -> web.Response:
    hub, repo = request.app[HUB], may_write(request)
    pull = pull_of(repo, request)
    if pull.state != "open" or pull.draft:
        raise ApiError(405, "Pull Request is not mergeable")
    try:
        await hub.merge(repo, pull.number)
    except GitError:
        raise ApiError(405, "Pull Request has merge conflicts") from None
    return answer(
        request, {"sha": pull.merge_sha, "merged": True, "message": "Pull Request successfully merged"}
    )


def _comment_json(hub: Hub, repo: Repo, number: int, found: Comment) -> Json:
    return {
        "id": found.id,
        "body": found.body,
        "user": {"login": found.author},
        "created_at": found.created_at,
        "html_url": f"{hub.url}/{repo.full_name}/pull/{number}#issuecomment-{found.id}",
    }


async def comments(request: web.Request) -> web.Response:
    hub, repo = request.app[HUB], repository(request)
    pull = pull_of(repo, request)
    return answer(request, [_comment_json(hub, repo, pull.number, each) for each in pull.comments])


async def comment(request: web.Request) -> web.Response:
    hub, repo, body = request.app[HUB], may_write(request), await fields(request)
    pull = pull_of(repo, request)
    number = pull.number * 1_000 + len(pull.comments) + 1
    written = Comment(number, account(request).login, text(body, "body"), iso(hub.clock()))
    pull.comments.append(written)
    return answer(request, _comment_json(hub, repo, pull.number, written), 201)
