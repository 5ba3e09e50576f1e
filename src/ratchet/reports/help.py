"""What a thread in a help channel says: what was asked, who answered, whether that is written down. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ratchet.domain.gaps import Compared, HelpThread, Near, Page, ThreadMessage
from ratchet.reports.actions import Action, actions_in, same

# Measured on the example workspace, see docs/help-channels.md: question and answer together against a page.
SAYS_SO: Final = 0.55
# With a command of the answer standing in it, a page need be less alike.
NAMES_IT: Final = 0.35
# A page is about a matter, and the answer may go there.
ABOUT: Final = 0.5
SUBSTANTIAL_WORDS: Final = 12
MAX_CHARS: Final = 4_000
MAX_TITLE: Final = 100
# A question of fewer words says only together with the sentence before what it is about.
SELF_CONTAINED: Final = 5
MAX_LINKS: Final = 20

ADDRESS: Final = re.compile(r"https?://[^\s<>|)\]\"'`]{3,500}")
THANKED: Final = frozenset({"white_check_mark", "heavy_check_mark", "ballot_box_with_check"})
PRAISED: Final = THANKED | {"+1", "thumbsup", "tada", "raised_hands", "pray", "heart", "bulb", "100", "clap"}
THANKS: Final = re.compile(
    r"\b(?:thanks?|thank you|thx|works?|worked|helped|helps|that was it|was it|fixed|solved|done|perfect|"
    r"all good|wonderful|stable|danke|merci|gracias)\b",
    re.IGNORECASE,
)
NOT_SO: Final = re.compile(r"\b(?:not|no|doesn['’]?t|didn['’]?t|still|nope)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"```.{0,4000}?```|`[^`\n]{1,400}`", re.DOTALL)
_QUOTED: Final = re.compile(r"^\s{0,3}(?:>|&gt;).*$", re.MULTILINE)
_MARKUP: Final = re.compile(r"<[@#!][^>\n]{0,100}>|:[a-z0-9_+-]{1,60}:")
_LINK: Final = re.compile(r"<https?://[^>\n]{1,2000}>|https?://\S{1,2000}")
_WORD: Final = re.compile(r"[^\W_]{2,}")
_GREETING: Final = re.compile(
    r"^(?:(?:hi|hello|hey|hallo|morning|good morning|folks|all|team|everyone|quick question|question|again|"
    r"first week here|sorry)\b[\s,:.!–—-]{0,3})+",
    re.IGNORECASE,
)
_POINTING: Final = re.compile(r"\b(?:it|that|this|these|those|there|them)\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"[^.!?\n]{1,400}(?:\.\w[^.!?\n]{0,200}){0,8}[.!?]?")


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply that answers, and whether who asked said so. `praise`: how many people marked it."""

    reply: ThreadMessage
    confirmed: bool
    praise: int


@dataclass(frozen=True, slots=True)
class Documented:
    """A page that says what was answered. `by`: `link` for one that the answer names, else what is alike."""

    page: Page
    by: str
    heading: str = ""


def asks(thread: HelpThread) -> bool:
    """Whether somebody asks everybody there, or is stuck and was helped."""
    text = spoken(thread.root.text)
    if len(_WORD.findall(text)) < 3:
        return False
    return "?" in text or ((found := answered(thread)) is not None and found.confirmed)


def spoken(text: str) -> str:
    """What somebody says: without code, quotes, links and mentions."""
    said = text[:MAX_CHARS]
    for pattern in (_CODE, _QUOTED, _LINK, _MARKUP):
        said = pattern.sub(" ", said)
    return said


def answered(thread: HelpThread) -> Answered | None:
    """The best answer: what the asker thanked for, else what has the most to it.

    None when nobody answered with more than a few words.
    """
    asker = thread.root.author
    others = [reply for reply in thread.replies if reply.author != asker]
    good = [reply for reply in others if substantial(reply.text) or marked(reply, asker)]
    # Who found it out alone often says so, for the next one.
    good = good or [reply for reply in thread.replies if not others and substantial(reply.text)]
    if not good:
        return None
    judged = [(_merit(reply, thread), -place, reply) for place, reply in enumerate(good)]
    best = max(judged, key=lambda one: one[:2])[2]
    helped = {user for name, users in best.reactions.items() if _base(name) in PRAISED for user in users}
    return Answered(best, confirmed(thread, best), len(helped - {best.author}))


def substantial(text: str) -> bool:
    """Whether there is anything in it to write down: a command, a link, or a few sentences."""
    words = len(_WORD.findall(spoken(text)))
    return bool(_CODE.search(text)) or bool(ADDRESS.search(text)) or words >= SUBSTANTIAL_WORDS


def confirmed(thread: HelpThread, answer: ThreadMessage) -> bool:
    """Whether who asked marked an answer, or wrote thanks after it."""
    asker = thread.root.author
    if any(marked(reply, asker) for reply in thread.replies if reply.author != asker):
        return True
    later = (reply for reply in thread.replies if reply.ts > answer.ts and reply.author == asker)
    return any(THANKS.search(one.text) and not NOT_SO.search(one.text) for one in later)


def marked(reply: ThreadMessage, asker: str) -> bool:
    """Whether who asked ticked a reply."""
    return any(asker in users for name, users in reply.reactions.items() if _base(name) in THANKED)


def documented(thread: HelpThread, answer: ThreadMessage, compared: Compared) -> Documented | None:
    """The page that says what the answer says; None when none does, as far as can be seen."""
    for reply in thread.replies:
        for address in addresses(reply.text):
            if (page := compared.linked.get(address)) is not None:
                return Documented(page, "link")
    did = commands(answer.text)
    for near in compared.near.get(answer.ref, ()):
        names = near.similarity >= NAMES_IT and any(_names(near.page.text, one) for one in did)
        if near.similarity >= SAYS_SO or names:
            return Documented(near.page, "command" if names else "meaning", near.heading)
    return None


def about(question: ThreadMessage, answer: ThreadMessage | None, compared: Compared) -> Near | None:
    """The page to which an answer would be added; None where none is about it."""
    found = [n for one in (question, answer) if one for n in compared.near.get(one.ref, ())]
    best = max(found, key=lambda near: (near.similarity, near.page.id), default=None)
    return best if best is not None and best.similarity >= ABOUT else None


def commands(text: str) -> frozenset[Action]:
    """What an answer says to type. Names of things say too little by themselves."""
    return frozenset(one for one in actions_in(text) if one.kind in ("command", "look"))


def addresses(text: str) -> list[str]:
    """The addresses in a text, at most `MAX_LINKS`."""
    return [found.rstrip(".,;:!?*_~") for found in ADDRESS.findall(text[:MAX_CHARS])][:MAX_LINKS]


def title(question: str) -> str:
    """What is asked, as a heading: the sentence that asks, without a greeting, and what it points to."""
    said = " ".join(_MARKUP.sub(" ", _LINK.sub(" ", question[:MAX_CHARS])).replace("`", "").split())
    sentences = [found.strip() for found in _SENTENCE.findall(said) if len(_WORD.findall(found)) >= 2]
    place = next((n for n, one in enumerate(sentences) if one.endswith("?")), 0)
    asking = sentences[place] if sentences else said
    if place and (len(_WORD.findall(asking)) < SELF_CONTAINED or _POINTING.search(asking)):
        asking = f"{sentences[place - 1]} {asking}"
    words = _GREETING.sub("", asking).strip() or asking
    words = words[0].upper() + words[1:] if words else "A question"
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1].rsplit(' ', 1)[0]}…"


def _merit(reply: ThreadMessage, thread: HelpThread) -> float:
    asker = thread.root.author
    praise = [set(users) for name, users in reply.reactions.items() if _base(name) in PRAISED]
    points = 3.0 * any(asker in users for users in praise) + 0.5 * len(set().union(*praise))
    points += 2.0 * bool(commands(reply.text)) + 1.0 * bool(_CODE.search(reply.text))
    return points + min(1.0, len(_WORD.findall(spoken(reply.text))) / 40)


def _names(page: str, did: Action) -> bool:
    """Whether a page says to type that. What differs from time to time need not stand there."""
    return any(same(did, other) or same(other, did) for other in commands_of_page(page))


@lru_cache(512)
def commands_of_page(text: str) -> frozenset[Action]:
    """What a page says to type. Many threads are compared with one page."""
    return frozenset(one for one in actions_in(text) if one.kind in ("command", "look"))


def _base(reaction: str) -> str:
    return reaction.split("::", maxsplit=1)[0]
