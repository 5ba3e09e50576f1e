"""Invented secrets in everyday surroundings, and look-alikes that are none.

The files hold shapes (`‹an36›`), never secrets; they are filled in here, the same way each time.
`⟪…⟫` marks what must go. Half of the items are held out: rules are written without looking at how they fare.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

HERE: Final = Path(__file__).parent
REPLACED: Final = re.compile(r"\[redacted: [a-z0-9 ]+\]")
LEAK: Final = 8  # so many characters of a secret in a row are a leak

_B64: Final = string.ascii_letters + string.digits + "+/"
_ALPHABETS: Final = {
    "an": string.ascii_letters + string.digits,
    "AN": string.ascii_uppercase + string.digits,
    "lo": string.ascii_lowercase + string.digits,
    "l": string.ascii_lowercase,
    "d": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "b64": _B64,
    "url": string.ascii_letters + string.digits + "_-",
    "b32": string.ascii_uppercase + "234567",
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
_PEM_JOINS: Final = {"pem": "\n", "pemx": "\\n", "pemxx": "\\\\n", "pemi": "\n      ", "pemq": "\n> "}
_PIECE: Final = re.compile(r"‹(?:(b64of):([^›]*)|(uuid|jwtnosig|jwt)|([A-Za-z]+(?:64u|64|32)?)x?(\d+))›")
_WORDS: Final = ("Winter", "Orange", "Coffee", "Hunter", "Dragon", "Monday", "Berlin", "Rocket")


@dataclass(frozen=True, slots=True)
class Item:
    label: str
    text: str
    secrets: tuple[str, ...]
    expected: str  # `[redacted]` in place of each secret
    held_out: bool


@dataclass(frozen=True, slots=True)
class Score:
    found: int
    missed: list[Item]
    false: list[tuple[Item, str]]  # with what became of it

    @property
    def recall(self) -> float:
        return self.found / ((self.found + len(self.missed)) or 1)

    @property
    def precision(self) -> float:
        return self.found / ((self.found + len(self.false)) or 1)


def items(kind: str, seed: int = 0) -> Iterator[Item]:
    """`kind`: "positives", "lookalikes" or "worked"."""
    for path in sorted(HERE.glob(f"{kind}_*.txt")):
        for label, template in _templates(path.read_text("utf-8")):
            yield _item(label, template, seed)


def score(redact: Callable[[str], str], corpus: list[Item]) -> Score:
    """A secret is found when no part of it is left; a text that lost anything else is a false one."""
    found, missed, false = 0, [], []
    for item in corpus:
        redacted = redact(item.text)
        leaked = [secret for secret in item.secrets if leaks(secret, redacted, item.expected)]
        found += len(item.secrets) - len(leaked)
        missed += [item for _ in leaked]
        if not leaked and REPLACED.sub("[redacted]", redacted) != REPLACED.sub("[redacted]", item.expected):
            false.append((item, redacted))
    return Score(found, missed, false)


def leaks(secret: str, text: str, elsewhere: str = "") -> bool:
    """Whether a part of the secret is in the text; `elsewhere`: what may be there."""
    size = min(LEAK, len(secret))
    parts = {secret[at : at + size] for at in range(len(secret) - size + 1)}
    return any(part in text and part not in elsewhere for part in parts)


def _templates(text: str) -> Iterator[tuple[str, str]]:
    label, block, whole = "", [""], False
    for line in [*text.splitlines(), "== end"]:
        if line.startswith("#") and not label:
            continue
        if found := re.fullmatch(r"(==?) (.+)", line):
            if whole:
                yield label, "\n".join(block)
            label, block, whole = found[2], [], found[1] == "="
        elif whole:
            block.append(line)
        elif line:
            yield label, line


def _item(label: str, template: str, seed: int) -> Item:
    chance = random.Random(crc32(template.encode()) + seed)
    filled = _PIECE.sub(lambda found: _piece(found, chance), template)
    secrets = tuple(re.findall(r"⟪(.*?)⟫", filled, re.DOTALL))
    return Item(
        label,
        re.sub("[⟪⟫]", "", filled),
        secrets,
        re.sub(r"⟪.*?⟫", "[redacted]", filled, flags=re.DOTALL),
        held_out=crc32(template.encode()) % 2 == 1,
    )


def _piece(found: re.Match[str], chance: random.Random) -> str:
    of, text, whole, kind, count = found.groups()
    if of:
        return base64.b64encode(text.encode()).decode()
    if whole == "uuid":
        return "-".join(_draw("hex", size, chance) for size in (8, 4, 4, 4, 12))
    if whole:
        return _jwt(chance, signed=whole == "jwt")
    return _draw(kind, int(count), chance)


def _draw(kind: str, count: int, chance: random.Random) -> str:
    kind = {"urlx": "url", "HEXx": "HEX"}.get(kind, kind)
    if kind == "pw":
        return _password(count, chance)
    if kind == "b64u":
        return _draw("b64", count, chance).replace("+", "%2B").replace("/", "%2F")
    if kind in _PEM_JOINS:
        lines = ["MII" + _draw("b64", 61, chance), *(_draw("b64", 64, chance) for _ in range(count - 1))]
        return _PEM_JOINS[kind].join([*lines, _draw("b64", 26, chance) + "=="])
    return "".join(chance.choices(_ALPHABETS[kind], k=count))


def _password(count: int, chance: random.Random) -> str:
    """Half as people make them, half as programs do; a digit and, from ten characters on, a sign."""
    signs = "!_+*^=~-"
    if chance.random() < 0.5:
        word = chance.choice(_WORDS)[: count - 3]
        digits = _draw("d", count - len(word) - 1, chance)
        return word + digits[:4] + chance.choice(signs[:5]) + digits[4:]
    body = _draw("an", count - 2, chance)
    at = chance.randrange(1, len(body))
    return body[:at] + (chance.choice(signs) if count >= 10 else "x") + _draw("d", 1, chance) + body[at:]


def _jwt(chance: random.Random, *, signed: bool) -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": _draw("d", 8, chance), "exp": 1770110000, "scope": "orders:read"}
    head = part({"alg": "RS256" if signed else "none", "typ": "JWT"})
    return f"{head}.{part(claims)}.{_draw('url', 86, chance) if signed else ''}"
