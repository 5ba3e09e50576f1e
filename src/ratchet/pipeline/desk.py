"""The sources as whoever proposes a change meets them: which take one, and how a file stands right now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratchet.documents.base import Source
from ratchet.documents.forge import Forge
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_pulls import GitHubForge
from ratchet.domain.errors import Refused
from ratchet.domain.proposals import CurrentFile
from ratchet.pipeline import branches
from ratchet.store.pool import Database
from ratchet.store.pulls import Pulls


def forges_of(sources: Sequence[Source]) -> dict[str, Forge]:
    """The sources in which pull requests can be opened, by name."""
    return {source.name: GitHubForge(source) for source in sources if isinstance(source, GitHubSource)}


@dataclass(frozen=True, slots=True)
class Desk:
    """`kinds`: of every source, by name. Satisfies `tools.docupdate.DocumentDesk`."""

    db: Database
    forges: Mapping[str, Forge]
    kinds: Mapping[str, str]

    def refusal(self, source: str) -> str | None:
        if source in self.forges:
            return None
        if source not in self.kinds:
            return f"There is no source of documents called {source!r}."
        return f"{source} is a source of type {self.kinds[source]}: no pull request can be opened there."

    def sources(self) -> Sequence[str]:
        return tuple(self.forges)

    async def current(self, source: str, path: str, thread: tuple[str, str]) -> CurrentFile | None:
        """On the thread's branch while its pull request is open, else on the base."""
        forge = self.forges[source]
        if problem := forge.objection(path):
            raise Refused(f"{path} cannot be written: {problem}.")
        async with forge.session() as session:
            finished = await Pulls(self.db).finished(forge.repository, *thread)
            branch = branches.branch_of(*thread, finished)
            pull = await session.pull(branch)
            head = await session.head(branch) if pull is None or pull.state == "open" else None
            commit = head or await session.head(await session.base())
            if commit is None:
                raise Refused(f"{forge.repository} has no commit yet.")
            return await session.read(path, commit)
