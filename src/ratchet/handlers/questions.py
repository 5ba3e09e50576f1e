"""What kind of thing somebody wrote: a question that the record could answer, a word of thanks. Pure.

These decide when Ratchet speaks unasked. In doubt they say no: who wants an answer can mention it.
"""

from __future__ import annotations

import re
from typing import Final

MIN_WORDS: Final = 4
MAX_CHARS: Final = 3_000
MAX_SMALL_TALK: Final = 200
# A long sentence says by itself what «it» is.
LONG: Final = 9


def _one_of(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


_NOT_SAID: Final = re.compile(
    _one_of(
        r"```.*?(?:```|\Z)",
        r"`[^`\n]*`",
        r"^\s{0,3}(?:>|&gt;).*?$",
        r"<[a-z][a-z0-9+.-]{1,20}:[^>\n]{1,2000}>",
        r"[a-z]{2,20}://\S+",
    ),
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_TO_SOMEBODY: Final = re.compile(r"<@[A-Z0-9]+(?:\|[^>]{0,80})?>")
_MARKUP: Final = re.compile(r"<[!#@][^>\n]{0,100}>|:[a-z0-9_+-]{1,60}:|[*_~]")
_WORD: Final = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# From where a sentence begins up to its question mark; a point within a word ends none. All is bounded.
_SENTENCE: Final = r"\s{0,20}([^.!?\n]{1,400}(?:\.\w[^.!?\n]{0,200}){0,8})\?+"
_ASKING: Final = re.compile(rf"(?:^|(?<=[.!?;:\n])){_SENTENCE}")

_GREETING: Final = re.compile(
    _one_of(
        *(
            "hi",
            "hello",
            "hey",
            "hiya",
            "morning",
            "good (?:morning|afternoon|evening)",
            "sorry",
            "ok(?:ay)?",
        ),
        *("quick question", "question", "folks", "all", "team", "everyone", "everybody", "guys", "there"),
        *("hallo", "moin", "salut", "bonjour", "hola"),
    )
    + r"\b[\s,:–—-]{0,3}",
    re.IGNORECASE,
)
# What the record can answer: a fact, a way, a place, a cause.
_OPENER: Final = re.compile(
    _one_of(
        r"(?:what|where|why|how|which|when|who)(?:['’]?s|['’]re)?",
        *("is there", "are there", "is the", "are the", "does", "do i", "do we", "did the", "has the"),
        *("have the", "can i", "can we", "could i", "should i", "should we"),
        r"(?:has|did) (?:anyone|anybody|someone|somebody)",
        r"(?:do|does) (?:anyone|anybody|someone|somebody|any of you) (?:know|remember|have)",
        r"any(?:one|body) (?:know|knows|has|have|had|seen)",
        r"any (?:idea|clue|hint)s?",
        *("wie", "was", "wo", "woran", "warum", "wieso", "weshalb", "wann", "wer", "welche[rsnm]?", "wohin"),
        *("kann ich", "gibt es", "wei(?:ß|ss) jemand", "hat jemand"),
        *("comment", "pourquoi", "où", "quand", "quel(?:le)?s?", "est-ce que", "qui"),
        *("cómo", "por qué", "dónde", "cuándo", "qué", "cuál(?:es)?", "quién"),
    )
    + r"\b",
    re.IGNORECASE,
)
_WH: Final = r"(?:what|when|where|how|why|which|who)\b"
# Questions in form only: of each other, of opinion, of courtesy.
_TO_EACH_OTHER: Final = re.compile(
    _one_of(
        r"how (?:are|is|was|were|do|did|have|has) (?:you|your|everyone|everybody|it going)",
        r"how (?:is|was|were) the (?:weekend|party|trip|holidays?|vacation)",
        *("how (?:about|come you)", "what about", r"why (?:not|don['’]?t (?:we|you))"),
        r"what(?:['’]?s| is| are) (?:up|new|your|you)\b",
        _WH + r".{0,40}\b(?:do|did|would|will|can|could|should|are|were|have|shall) you\b",
        _WH + r".{0,40}\b(?:are|should|shall|do) we (?:go|meet|eat|think|want|meeting|going|having)",
        r".{0,60}\b(?:your|you) (?:think|opinion|reckon|prefer|feel|mean)\b",
        r"who(?:['’]?s| is| wants| would| can| could| will| has time)\b(?! (?:the )?(?:owner|on[- ]?call))",
        r"(?:can|should|shall) we (?:meet|talk|go|start|move|sync|chat|push|do|have|get|please)\b",
        *("wie geht", "was meint", "was denkt", "wer (?:hat|kann|will|kommt|mag)"),
    ),
    re.IGNORECASE,
)
_TAG: Final = re.compile(
    r"(?:^|[,\s])"
    + _one_of(
        *("right", "no", "yes", "ok", "okay", "huh", "eh", "really", "seriously", "you know", "or not"),
        *(r"isn['’]t it", r"aren['’]t they", "oder", "nicht wahr"),
    )
    + "$",
    re.IGNORECASE,
)
# What it asks about stands in what was said before, perhaps by others.
_POINTING: Final = re.compile(r"\b(?:that|this|these|those|them|it|there|you)$", re.IGNORECASE)

_PLEASANTRY: Final = _one_of(
    r"(?:many |big )?thanks?(?: you)?(?: a (?:lot|bunch|million|ton))?(?: (?:so|very) much)?",
    *("thx", "ty", "tysm", "cheers", "merci", "danke", "danke schön", "gracias"),
    *("great", "nice", "cool", "perfect", "awesome", "brilliant", "amazing", "wow", "ok", "okay", "k"),
    *("got it", "makes sense", "will do", "understood", "sounds good", "well done", "i see"),
    r"(?:good|great|nice) (?:bot|job|work|one|morning|evening|night|stuff)",
    *("hi", "hello", "hey", "bye", "see you", "yes", "yep", "yeah", "yup", "no", "nope", "sure", "same"),
    *("lol", "haha+", "never ?mind", "nvm", "ack", "done", "ah", "oh", "hm+"),
    r"(?:that|it) (?:worked|works|helped|helps|did it|did the trick|fixed it)",
    *("who are you", "what are you", "how are you", "all", "everyone", "ratchet", "man", "mate"),
    *("again", "now", "then", "for (?:that|this|the help|your help)"),
)
_SMALL_TALK: Final = re.compile(rf"{_PLEASANTRY}(?: {_PLEASANTRY}){{0,11}}", re.IGNORECASE)

_NOT: Final = r"(?:do not|don['’]?t|did not|didn['’]?t|cannot|can['’]?t|could not|couldn['’]?t|was unable to)"
_NO_ANSWER: Final = re.compile(
    _one_of(
        rf"\b(?:i|we) {_NOT} (?:really |actually )?(?:know|find|tell|say|see|answer|determine|confirm)\b",
        r"\bno (?:record|mention|answer|information|evidence|trace|message)s?\b",
        r"\b(?:found nothing|nothing (?:found|recorded|about|in the (?:record|channels?)))\b",
        r"\b(?:is|was) not recorded\b",
        *(r"\bnot sure\b", r"\bunclear\b"),
        *(r"\bwei(?:ß|ss) (?:ich|es|das) nicht\b", r"\bich wei(?:ß|ss)(?: es| das)? nicht\b"),
        *(r"\bje ne sais pas\b", r"\bno lo sé\b"),
    ),
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Whether a message, in Slack's form, asks everybody something that was perhaps written down before."""
    if len(text) > MAX_CHARS or _TO_SOMEBODY.search(text):
        return False
    said = _MARKUP.sub(" ", _NOT_SAID.sub(" ", text))
    return any(_asks(sentence.strip()) for sentence in _ASKING.findall(said))


def _asks(sentence: str) -> bool:
    for _ in range(4):
        sentence = _GREETING.sub("", sentence, count=1) if _GREETING.match(sentence) else sentence
    words = len(_WORD.findall(sentence))
    return (
        words >= MIN_WORDS
        and _OPENER.match(sentence) is not None
        and _TO_EACH_OTHER.match(sentence) is None
        and _TAG.search(sentence.rstrip()) is None
        and (words >= LONG or _POINTING.search(sentence.rstrip()) is None)
    )


def small_talk(text: str) -> bool:
    """Thanks, greetings, approval, a smile: nothing that needs the record, or an answer."""
    if len(text) > MAX_SMALL_TALK:
        return False
    words = _WORD.findall(_MARKUP.sub(" ", text))
    return not words or _SMALL_TALK.fullmatch(" ".join(words)) is not None


def abstains(answer: str) -> bool:
    """Whether an answer begins by saying that it has none."""
    return _NO_ANSWER.search(answer[:300]) is not None
