"""What is taken out of words of a thread before they go into a repository: secrets, people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ratchet.llm.redact import Redactor, redact

MAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?=[\w-]{1,63}\.)[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?![\w-])"
)
# With a country's code, or as one number in groups; not a version, a date, an address or a count.
PHONE: Final = re.compile(
    r"(?<![\w.+/:-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}"
    r"|\(\d{2,5}\)[ ]?\d{3,4}[ -]?\d{2,6}|\d{3}-\d{3}-\d{4})(?![\w/:-]|\.\d)"
)
MENTION: Final = re.compile(
    r"<@[A-Z0-9]{2,20}(?:\|[^>]{0,80})?>|<!subteam\^[A-Z0-9]{2,20}(?:\|[^>]{0,80})?>|<!(?:here|channel|everyone)[^>]{0,80}>"
    r"|(?<![\w/])@?[UW](?=[A-Z0-9]{0,20}[0-9])[A-Z0-9]{7,20}(?![\w/])"
)
CHANNEL: Final = re.compile(r"<#[A-Z0-9]{2,20}(?:\|(?P<name>[^>\n]{0,80}))?>")
SOMEONE: Final = "someone"
# Names that are words too: these go only where they are marked as names, by an @.
WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        will mark may grace rose april june august art bill drew hope joy faith dawn summer robin jack rich
        pat guy chip dash root max rob sue ray gene frank earnest chase grant hunter page carol angel
        crystal ruby jasper jade ivy lily daisy olive violet iris pearl amber ginger sage star sky storm
        river brook dale cliff glen forest stone wood miles christian bishop king prince duke earl major
        porter mason cooper baker taylor carter walker fisher shepherd smith cook young long short white
        black brown green gray sunny happy lucky buddy buster rusty sandy wade lance pierce trace case scout
        archer ace ash bob bot admin support help dev ops test staging harbor redis kafka go java rust swift
        """,
    )
)


@dataclass(slots=True)
class Scrub:
    """Takes out what must not be written; what stands in the document already stays.

    `names`: of the people in the thread. `taken` collects the kinds of what was taken out.
    """

    names: Iterable[str] = ()
    redactor: Redactor = redact
    taken: set[str] = field(default_factory=set)

    def __call__(self, text: str, known: str = "") -> str:
        """`known`: the document as it is."""
        clean = self.redactor(text)
        if clean != text:
            self.taken.add("secrets")
        clean = self._without(MAIL, "(e-mail address)", "e-mail addresses", clean, known)
        clean = self._without(PHONE, "(phone number)", "phone numbers", clean, known)
        clean = CHANNEL.sub(lambda found: f"#{found['name']}" if found["name"] else "a channel", clean)
        clean = self._without(MENTION, SOMEONE, "names of people", clean, known)
        for pattern in filter(None, map(_pattern, self.names)):
            clean = self._without(pattern, SOMEONE, "names of people", clean, known)
        return clean

    def _without(self, pattern: re.Pattern[str], instead: str, kind: str, text: str, known: str) -> str:
        kept = {found[0] for found in pattern.finditer(known)}

        def judged(found: re.Match[str]) -> str:
            if found[0] in kept:
                return found[0]
            self.taken.add(kind)
            return instead

        return pattern.sub(judged, text)


def _pattern(name: str) -> re.Pattern[str] | None:
    """How a person's name is written; None for one that says nothing."""
    words = name.split()
    if not words or len(name) < 2:
        return None
    whole = r"\s+".join(map(re.escape, words))
    parts = [rf"@?{whole}"]
    for word in words:
        # A handle is written small, the name that it stands for is not.
        said = word[0].upper() + word[1:]
        if len(word) >= 3 and word.lower() not in WORDS:
            parts.append(rf"@?{re.escape(said)}")
        if len(words) == 1 and not (parts[1:] and word[0].isupper()):
            parts[0] = rf"@{whole}"
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(parts)})(?![\w/-]|\.\w)")
