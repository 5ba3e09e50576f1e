"""The tool `docupdate`: a change to documents, put together and checked. It writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ratchet.documents.diffs import changed_lines, diff
from ratchet.documents.edits import apply
from ratchet.documents.rules import MAX_FILES, path_problem, text_problem
from ratchet.domain.errors import Refused
from ratchet.domain.proposals import Change, CurrentFile, Edit, FileEdit
from ratchet.tools.base import DocumentReader
from ratchet.tools.proposals import DocumentDesk, Proposal, Proposals
from ratchet.tools.scrub import Scrub

# What is not shown cannot be agreed to, and nobody reads more in a message.
MAX_DIFF_CHARS: Final = 30_000
TITLE_CHARS: Final = 120
WHY_CHARS: Final = 2_000
PROPOSED: Final = (
    "The change is put together, not made: its diff and an Approve button are shown under your answer by"
    " themselves. Do not repeat the diff. Say in one or two sentences what you propose and why."
)
AS_TEXT: Final = (
    "{reason} The diff is shown under your answer by itself. Say that you cannot open a pull request there,"
    " and what you would change."
)


@dataclass(frozen=True, slots=True)
class SearchReplace:
    """`find`: lines as they stand in the document, enough to be unique. `replace`: what comes instead."""

    find: str
    replace: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file: `edits` for a document that exists, `content` for a new one."""

    document: str
    edits: tuple[SearchReplace, ...] = ()
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    files: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class DocUpdateTool:
    reader: DocumentReader
    proposals: Proposals

    async def docupdate(
        self,
        title: Annotated[str, Field(min_length=3, max_length=TITLE_CHARS)],
        why: Annotated[str, Field(min_length=3, max_length=WHY_CHARS)],
        files: Annotated[list[FileChange], Field(min_length=1, max_length=MAX_FILES)],
    ) -> Proposed:
        """Propose a change of the team's documents as a pull request. A person sees the diff and decides.

        Read a document with `docread` first. Change as little as needed, in the page's own style. Write no
        names of people, no secrets, nothing that holds for one day only. All files of one change in one call.

        Args:
            title: What changes, in one line, such as "Staging database: the port is 6432".
            why: Why, in a sentence or two, for the reviewer.
            files: `document`: the `id` that `docsearch` gave, or SOURCE/PATH for a new page. `edits`: blocks
                to find and to put in their place; `find` is copied word for word from the document, whole
                lines, enough of them to be unique. `content`: the whole text, of a new page only.
        """
        drafts = [await self._draft(one) for one in files]
        sources = {draft.source for draft in drafts}
        if len(sources) > 1:
            raise Refused(f"One change is of one source; these are of {', '.join(sorted(sources))}.")
        if len({draft.path for draft in drafts}) < len(drafts):
            raise Refused("The same file stands there twice; put all its edits into one.")
        [source] = sources
        scrub = Scrub(self.proposals.names)
        made = [_made(draft, scrub) for draft in drafts]
        text = "\n".join(shown for _, shown in made)
        if len(text) > MAX_DIFF_CHARS:
            raise Refused(
                f"The diff has {len(text)} characters, more than anybody reads; propose a part of it."
            )
        change = Change(source, _line(scrub(title)), scrub(why).strip(), tuple(edited for edited, _ in made))
        refusal = self.proposals.desk.refusal(source)
        self.proposals.made[source] = Proposal(change, text, tuple(sorted(scrub.taken)), refusal)
        return Proposed(
            tuple(one.path for one in change.files), AS_TEXT.format(reason=refusal) if refusal else PROPOSED
        )

    async def _draft(self, one: FileChange) -> _Draft:
        if bool(one.edits) == (one.content is not None):
            raise Refused(f"{one.document}: give edits for a page that exists, or content for a new one.")
        stored = await self.reader.read(one.document)
        if stored is None and one.content is None:
            raise Refused(f"There is no document {one.document!r}. Take the `id` that `docsearch` gave.")
        source, _, path = one.document.partition("/")
        if stored is not None:
            source, path = stored.source, stored.path
        desk = self.proposals.desk
        if desk.refusal(source) is None:
            if problem := path_problem(path):
                raise Refused(f"{path} cannot be written: {problem}.")
            current = await desk.current(source, path, self.proposals.thread)
        elif stored is None:
            raise Refused(f"{source!r} takes no new page. {_where(desk)}")
        else:
            current = CurrentFile(stored.text, "")
        return _Draft(source, path, one, current)


@dataclass(frozen=True, slots=True)
class _Draft:
    source: str
    path: str
    wanted: FileChange
    current: CurrentFile | None


def _made(draft: _Draft, scrub: Scrub) -> tuple[FileEdit, str]:
    """The edit without what must not be written, and its diff. Raises `Refused`."""
    wanted, current = draft.wanted, draft.current
    if current is None and wanted.content is None:
        raise Refused(f"{draft.path} is not there any more. Search again.")
    if current is not None and wanted.content is not None:
        raise Refused(f"{draft.path} exists already: read it with `docread` and give edits.")
    old = current.text if current else ""
    if wanted.content is not None:
        new = scrub(wanted.content.rstrip("\n") + "\n")
        edited = FileEdit(draft.path, None, (), new)
    else:
        edits = tuple(Edit(one.find, scrub(one.replace, old)) for one in wanted.edits)
        try:
            new = apply(old, edits)
        except Refused as refused:
            raise Refused(f"{draft.path}: {refused}") from None
        shown = changed_lines(diff(draft.path, old, new))
        edited = FileEdit(draft.path, current.blob if current else None, edits, None, shown)
    if problem := text_problem(new):
        raise Refused(f"{draft.path} cannot be written: {problem}.")
    return edited, diff(draft.path, None if current is None else old, new)


def _line(text: str) -> str:
    return " ".join(text.split())[:TITLE_CHARS]


def _where(desk: DocumentDesk) -> str:
    there = ", ".join(desk.sources())
    return f"New pages can be proposed in: {there}." if there else "No source takes pull requests."
