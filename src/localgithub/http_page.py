"""Pages for people: a file at a revision, a repository's pull requests, one with its diff."""

from __future__ import annotations

from html import escape

from aiohttp import web

from localgithub.answers import HUB, ApiError, repository
from localgithub.hub import Hub
from localgithub.model import Pull, Repo

_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#1f2328;max-width:980px;margin:24px auto;padding:0 16px}
h1{font-weight:500;font-size:26px;margin:8px 0}h1 small{color:#59636e;font-weight:300}a{color:#0969da}
.state{display:inline-block;border-radius:2em;color:#fff;padding:4px 12px;font-weight:500;margin-right:8px}
.draft{background:#59636e}.open{background:#1f883d}.merged{background:#8250df}.closed{background:#cf222e}
.box{border:1px solid #d1d9e0;border-radius:6px;margin:16px 0;overflow:hidden}
.box>header{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:8px 16px;font-weight:600}
.box>div{padding:12px 16px;white-space:pre-wrap;overflow-wrap:anywhere}
pre{margin:0;font:12px/20px ui-monospace,monospace;overflow-x:auto}pre span{display:block;padding:0 16px}
.add{background:#dafbe1}.del{background:#ffebe9}.at{background:#ddf4ff;color:#59636e}.muted{color:#59636e}
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", home),
        web.get("/{owner}/{repo}", pulls),
        web.get("/{owner}/{repo}/pulls", pulls),
        web.get("/{owner}/{repo}/pull/{number:\\d+}", pull),
        web.get("/{owner}/{repo}/blob/{rest:.+}", blob),
    ]


def _page(title: str, body: str) -> web.Response:
    text = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>{body}"
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


async def home(request: web.Request) -> web.Response:
    links = "".join(
        f'<li><a href="/{escape(repo.full_name)}">{escape(repo.full_name)}</a></li>'
        for repo in request.app[HUB].repos.values()
    )
    return _page("Repositories", f"<h1>Repositories</h1><ul>{links}</ul>")


def _found(request: web.Request) -> Repo:
    try:
        return repository(request)
    except ApiError:
        raise web.HTTPNotFound from None


async def pulls(request: web.Request) -> web.Response:
    repo = _found(request)
    lines = "".join(
        f'<li>{_badge(each)} <a href="/{escape(repo.full_name)}/pull/{each.number}">{escape(each.title)}</a>'
        f' <span class="muted">#{each.number}</span></li>'
        for each in reversed(repo.pulls.values())
    )
    return _page(
        repo.full_name, f"<h1>{escape(repo.full_name)}</h1><ul>{lines or '<li>No pull requests'}</ul>"
    )


def _badge(pull: Pull) -> str:
    kind = "merged" if pull.merged_at else pull.state
    kind = "draft" if kind == "open" and pull.draft else kind
    return f'<span class="state {kind}">{kind.capitalize()}</span>'


async def pull(request: web.Request) -> web.Response:
    repo = _found(request)
    found = repo.pulls.get(int(request.match_info["number"]))
    if found is None:
        raise web.HTTPNotFound
    said = [(found.author, found.body or "No description.")]
    said += [(comment.author, comment.body) for comment in found.comments]
    boxes = "".join(
        f'<section class="box"><header>{escape(who)}</header><div>{escape(what)}</div></section>'
        for who, what in said
    )
    title = f"<h1>{escape(found.title)} <small>#{found.number}</small></h1>"
    about = (
        f"<p>{_badge(found)}<b>{escape(found.author)}</b> wants to merge <code>{escape(found.head)}</code>"
        f" into <code>{escape(found.base)}</code> of {escape(repo.full_name)}</p>"
    )
    diff = await _diff(request.app[HUB], repo, found)
    return _page(f"{found.title} #{found.number}", title + about + boxes + diff)


async def _diff(hub: Hub, repo: Repo, pull: Pull) -> str:
    head = await hub.head_of(repo, pull)
    common = await repo.git.merge_base(pull.base_sha, head) or pull.base_sha
    boxes: list[str] = []
    for part in f"\n{await repo.git.patch(common, head)}".split("\ndiff --git ")[1:]:
        lines = part.splitlines()
        named = next((line[6:] for line in lines if line.startswith("+++ b/")), "")
        named = named or next((line[6:] for line in lines if line.startswith("--- a/")), lines[0])
        start = next((n for n, line in enumerate(lines) if line.startswith("@@")), len(lines))
        shown = "".join(_line(line) for line in lines[start:])
        boxes.append(f'<section class="box"><header>{escape(named)}</header><pre>{shown}</pre></section>')
    return "".join(boxes)


def _line(line: str) -> str:
    kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")
    return f'<span class="{kind}">{escape(line)}</span>'


async def blob(request: web.Request) -> web.Response:
    """`/OWNER/REPO/blob/REVISION/PATH`; a branch may have slashes, so that the longest name wins."""
    repo, parts = _found(request), request.match_info["rest"].split("/")
    for length in range(len(parts) - 1, 0, -1):
        rev, path = "/".join(parts[:length]), "/".join(parts[length:])
        commit = await repo.git.commit_of(rev)
        entry = await repo.git.entry_at(commit, path) if commit else None
        if entry is not None and entry.kind == "blob":
            content = (await repo.git.blob(entry.sha) or b"").decode(errors="replace")
            lines = "".join(f"<span>{escape(line) or ' '}</span>" for line in content.splitlines())
            title = f"<h1>{escape(path)} <small>at {escape(rev[:12])}</small></h1>"
            return _page(path, f'{title}<section class="box"><pre>{lines}</pre></section>')
    raise web.HTTPNotFound
