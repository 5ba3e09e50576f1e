"""localgithub answers as GitHub's REST API does, over real git repositories."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localgithub import Fault, LocalGitHub, Repo

NOW = 1_700_000_000


async def got(client: httpx.AsyncClient, path: str, status: int = 200, **headers: str) -> Any:
    response = await client.get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    assert response.status_code == status, response.text
    return response.json()


async def sent(client: httpx.AsyncClient, method: str, path: str, status: int, **body: Any) -> Any:
    response = await client.request(method, path, json=body)
    assert response.status_code == status, response.text
    return response.json()


async def proposed(client: httpx.AsyncClient) -> Any:
    """A branch with a changed file, and a draft pull request for it."""
    head = (await got(client, "repos/acme/docs/git/ref/heads/main"))["object"]["sha"]
    tree = (await got(client, f"repos/acme/docs/git/commits/{head}"))["tree"]["sha"]
    blob = await sent(client, "POST", "repos/acme/docs/git/blobs", 201, content="# Disk\n\nShrink it.\n")
    entry = {"path": "runbooks/disk.md", "mode": "100644", "type": "blob", "sha": blob["sha"]}
    new = await sent(client, "POST", "repos/acme/docs/git/trees", 201, base_tree=tree, tree=[entry])
    made = {"message": "Disk", "tree": new["sha"], "parents": [head]}
    commit = await sent(client, "POST", "repos/acme/docs/git/commits", 201, **made)
    await sent(client, "POST", "repos/acme/docs/git/refs", 201, ref="refs/heads/fix", sha=commit["sha"])
    about = {"title": "Disk", "head": "fix", "base": "main", "body": "From a thread.", "draft": True}
    return await sent(client, "POST", "repos/acme/docs/pulls", 201, **about)


async def test_a_repository_says_its_default_branch_and_what_one_may_do(
    client: httpx.AsyncClient, repo: Repo
) -> None:
    found = await got(client, "repos/acme/docs")
    assert (found["default_branch"], found["permissions"]["push"]) == ("main", True)


async def test_without_a_known_token_nothing_is_told(github: LocalGitHub, repo: Repo) -> None:
    for header in ("", "Bearer nonsense"):
        async with httpx.AsyncClient(trust_env=False) as other:
            response = await other.get(
                f"{github.api_url}/repos/acme/docs", headers={"Authorization": header} if header else {}
            )
        assert response.status_code == 401


async def test_an_expired_token_is_refused(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    for account in github.hub.tokens.values():
        account.expires_at = NOW - 1
    assert (await got(client, "repos/acme/docs", 401))["message"] == "Bad credentials"


async def test_a_tree_lists_files_and_folders_and_says_when_it_is_cut(
    client: httpx.AsyncClient, repo: Repo
) -> None:
    whole = await got(client, "repos/acme/docs/git/trees/main?recursive=1")
    assert [(e["path"], e["type"]) for e in whole["tree"]] == [
        ("README.md", "blob"),
        ("runbooks", "tree"),
        ("runbooks/disk.md", "blob"),
    ]
    assert whole["truncated"] is False
    repo.tree_limit = 2
    cut = await got(client, "repos/acme/docs/git/trees/main?recursive=1")
    assert (len(cut["tree"]), cut["truncated"]) == (2, True)


async def test_a_blob_and_a_file_by_path_are_the_same_content(client: httpx.AsyncClient, repo: Repo) -> None:
    file = await got(client, "repos/acme/docs/contents/runbooks/disk.md")
    blob = await got(client, f"repos/acme/docs/git/blobs/{file['sha']}")
    assert base64.b64decode(file["content"]) == base64.b64decode(blob["content"]) == b"# Disk\n\nGrow it.\n"
    raw = await client.get(
        f"repos/acme/docs/git/blobs/{file['sha']}", headers={"Accept": "application/vnd.github.raw+json"}
    )
    assert raw.content == b"# Disk\n\nGrow it.\n"


async def test_what_did_not_change_is_304_and_costs_no_limit(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    first = await client.get("repos/acme/docs/commits/HEAD", headers={"Accept": "application/vnd.github.sha"})
    again = {"Accept": "application/vnd.github.sha", "If-None-Match": first.headers["ETag"]}
    second = await client.get("repos/acme/docs/commits/HEAD", headers=again)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    await github.hub.commit(repo, {"README.md": "# New\n"})
    assert (await client.get("repos/acme/docs/commits/HEAD", headers=again)).status_code == 200


async def test_a_comparison_names_what_changed(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    before = await repo.git.ref("refs/heads/main")
    await github.hub.commit(
        repo, {"runbooks/disk.md": None, "disk.md": "# Disk\n\nGrow it.\n", "new.md": "x"}
    )
    found = await got(client, f"repos/acme/docs/compare/{before}...main")
    assert (found["status"], found["ahead_by"]) == ("ahead", 1)
    assert {(f["status"], f["filename"], f.get("previous_filename")) for f in found["files"]} == {
        ("renamed", "disk.md", "runbooks/disk.md"),
        ("added", "new.md", None),
    }
    await github.hub.rewrite(repo, {"other.md": "x"})
    await got(client, f"repos/acme/docs/compare/{before}...main", 404)


async def test_a_draft_pull_request_is_opened_updated_commented_and_merged(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    pull = await proposed(client)
    assert (pull["number"], pull["draft"], pull["state"]) == (1, True, "open")
    assert [p["number"] for p in await got(client, "repos/acme/docs/pulls?head=acme:fix")] == [1]
    assert await got(client, "repos/acme/docs/pulls?head=acme:other") == []
    await sent(client, "PATCH", "repos/acme/docs/pulls/1", 200, title="Disk, better")
    await sent(client, "POST", "repos/acme/docs/issues/1/comments", 201, body="Thread: …")
    assert [c["body"] for c in await got(client, "repos/acme/docs/issues/1/comments")] == ["Thread: …"]
    assert [f["filename"] for f in await got(client, "repos/acme/docs/pulls/1/files")] == ["runbooks/disk.md"]
    await github.hub.merge(repo, 1)
    found = await got(client, "repos/acme/docs/pulls/1")
    assert (found["merged"], found["state"], found["title"]) == (True, "closed", "Disk, better")
    file = await got(client, "repos/acme/docs/contents/runbooks/disk.md")
    assert base64.b64decode(file["content"]) == b"# Disk\n\nShrink it.\n"


async def test_a_second_pull_request_for_the_same_branch_is_refused(
    client: httpx.AsyncClient, repo: Repo
) -> None:
    await proposed(client)
    about = {"title": "Again", "head": "fix", "base": "main"}
    refused = await sent(client, "POST", "repos/acme/docs/pulls", 422, **about)
    assert "already exists" in refused["errors"][0]["message"]


async def test_a_branch_only_moves_forward_unless_forced(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    first = await repo.git.ref("refs/heads/main")
    await github.hub.commit(repo, {"a.md": "a"})
    path = "repos/acme/docs/git/refs/heads/main"
    refused = await sent(client, "PATCH", path, 422, sha=first)
    assert refused["message"] == "Update is not a fast forward"
    await sent(client, "PATCH", path, 200, sha=first, force=True)
    assert await repo.git.ref("refs/heads/main") == first


async def test_a_file_is_put_only_over_the_version_that_was_read(
    client: httpx.AsyncClient, repo: Repo
) -> None:
    path = "repos/acme/docs/contents/README.md"
    sha = (await got(client, path))["sha"]
    content = base64.b64encode(b"# Better\n").decode()
    await sent(client, "PUT", path, 422, message="x", content=content)
    await sent(client, "PUT", path, 200, message="x", content=content, sha=sha)
    await sent(client, "PUT", path, 409, message="x", content=content, sha=sha)


async def test_a_moved_repository_is_redirected(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    github.hub.move(repo, "acme", "handbook")
    response = await client.get("repos/acme/docs/git/trees/main?recursive=1")
    assert response.status_code == 301
    followed = await client.get(response.headers["Location"])
    assert followed.json()["tree"][0]["path"] == "README.md"
    assert (await client.post("repos/acme/docs/pulls", json={})).status_code == 307


async def test_an_app_gets_a_token_for_its_installation_with_a_signed_jwt(
    github: LocalGitHub, repo: Repo
) -> None:
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    github.hub.add_app(7, public.decode(), [42])

    async def asked(signer: rsa.RSAPrivateKey, installation: int, expires: int = NOW + 300) -> httpx.Response:
        token = jwt.encode({"iss": "7", "iat": NOW - 60, "exp": expires}, signer, algorithm="RS256")
        async with httpx.AsyncClient(trust_env=False) as app:
            return await app.post(
                f"{github.api_url}/app/installations/{installation}/access_tokens",
                headers={"Authorization": f"Bearer {token}"},
            )

    assert (await asked(other, 42)).status_code == 401
    assert (await asked(key, 42, NOW - 1)).status_code == 401
    assert (await asked(key, 43)).status_code == 404
    given = (await asked(key, 42)).json()["token"]
    async with httpx.AsyncClient(trust_env=False) as installed:
        response = await installed.get(
            f"{github.api_url}/repos/acme/docs", headers={"Authorization": f"token {given}"}
        )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [
        (Fault("GET /repos/*", "rate_limit", seconds=30, times=1), 403, ("X-RateLimit-Remaining", "0")),
        (Fault("GET /repos/*", "secondary_limit", seconds=30, times=1), 403, ("Retry-After", "30")),
        (
            Fault("GET /repos/*", status=502, times=1),
            502,
            ("Content-Type", "application/json; charset=utf-8"),
        ),
    ],
    ids=["rate limit", "secondary limit", "bad gateway"],
)
async def test_faults_strike_as_often_as_ordered(
    github: LocalGitHub,
    client: httpx.AsyncClient,
    repo: Repo,
    fault: Fault,
    status: int,
    header: tuple[str, str],
) -> None:
    github.hub.faults.add(fault)
    response = await client.get("repos/acme/docs")
    assert (response.status_code, response.headers[header[0]]) == (status, header[1])
    assert (await client.get("repos/acme/docs")).status_code == 200
    assert github.hub.requests["GET /repos/acme/docs"] == 2


async def test_the_page_of_a_pull_request_shows_its_diff_and_escapes_it(
    github: LocalGitHub, client: httpx.AsyncClient, repo: Repo
) -> None:
    await proposed(client)
    repo.pulls[1].body = "<script>alert(1)</script>"
    page = (await client.get(f"{github.url}/acme/docs/pull/1")).text
    assert "+Shrink it." in page
    assert "-Grow it." in page
    assert "<script>" not in page
    file = (await client.get(f"{github.url}/acme/docs/blob/main/runbooks/disk.md")).text
    assert "Grow it." in file
