"""Tells a secret's value from what stands where a secret could: words, references, masks, identifiers."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from ratchet.llm.redact_base import MARK

UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX: Final = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_NO_SIGN: Final = re.compile(r"[^A-Za-z0-9]+")
_WORDLIKE: Final = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}|\d{1,8}")
_DIGIT: Final = re.compile(r"[0-9]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NO_LETTER: Final = re.compile(r"[\d]|[^\w .-]")
_SIGN: Final = re.compile(r"[^\w \-./:,;()\[\]{}<>\"'`]")
_CAPITAL: Final = re.compile(r"[A-Z]")
_CAPITAL_OR_DIGIT: Final = re.compile(r"[A-Z0-9]")
_LOOKED_AT: Final = 100  # characters of a value; so many tell
_TURN: Final = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
_CAMEL: Final = r"(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+)"
_SLUG: Final = re.compile(
    rf"{_CAMEL}\d{{0,4}}(?:[-_./:#](?:{_CAMEL}?\d{{0,8}}|[a-z0-9]{{4,10}}))*|\d+-?[a-z]{{1,10}}"
)
# A number, a version, a size, a date, a duration, an address.
_WHEN: Final = re.compile(
    r"v?\d+(?:[.:]\d+)*(?:-?(?:rc|beta|alpha)[.\d]*)?(?:%|[a-z]{1,2}|\d*[hms])?|\d+/\d+"
    r"|\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|(?:\d+[hmsd])+|\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?"
)
_MASK: Final = re.compile(
    rf"[*xX•.…_#?\-●█ ]+|([A-Za-z])\1{{2,}}|[{MARK}].*"
    r"|.{0,12}(?:\*{3,}|•{3,}|x{6,}|X{6,}|\.\.\.).{0,8}",
    re.DOTALL,
)
_REFERENCES: Final = (
    r"\$[{(].*|\{\{.*|#?\{[\w.]*\}.*|<[^<>]*>.*|\[[A-Za-z _-]*\]|\([a-z ]*\)",  # of templates
    r"\$(?:[A-Z_][A-Z0-9_]*|[a-z_.]+|[@*])[\"')]*|%[sdrv(].*|%[A-Za-z_]+%|&lt;.*|`.*",  # variables
    r"!(?:Ref|Sub|GetAtt|vault|secret)\b.*|ENC[\[(].*|Ag[A-D][A-Za-z0-9+/=]{100,}",  # sealed
    r"AAAA[BCE][A-Za-z0-9][A-Za-z0-9+/=]{30,}",  # a public key of SSH
    r"(?:https?|op|vault|ref\+\w+|file|env|ssm|secretsmanager|gs|s3|arn|awsssm|keyvault)[:+].*",
    r"(?:~|\.{1,2})?/(?:[\w.@-]{1,40}/)*[\w.@-]{0,60}|[A-Z]:\\.*|(?:projects|vault|secret|secrets)/.*",
    r"(?i:(?:example|sample|dummy|fake|placeholder|change.?me|replace.?me|todo|fixme|redacted|masked|hidden|filtered"
    r"|removed|omitted|sensitive)(?:[^A-Za-z0-9].*)?)",
    r"(?i:(?:your|my|the|some|put|enter|insert|paste|replace|add)[-_ .].*"
    r"(?:pass|pwd|pw|token|key|secret|here|value|credential).*)",
)
_REFERENCE: Final = re.compile("|".join(_REFERENCES), re.DOTALL)
_CODE: Final = re.compile(
    r"[A-Za-z_]\w*(?:\(.*|\[.*|(?:(?:\.|::|->)[A-Za-z_]\w*)+[\[(;,)]*.*|\?\..*)|[\w.]+\s*[|&?]{1,2}.*|\\?[nrt]?",
    re.DOTALL,
)
_HOST: Final = re.compile(r"(?:[a-z0-9-]{1,63}\.){2,8}[a-z]{2,10}(?::\d+)?")
_SECRET_WORD: Final = re.compile(
    r"(?i)pass(?:w|phrase|code|$)|pwd|secret|token|api.?key|credential|creds|(?:^|[_-])(?:pw|key|auth)(?:$|[_-])"
)

# What stands after "password:" and the like and is none.
_STOP_WORDS: Final = """
    incorrect wrong invalid expired missing required changed reset updated rotated revoked none null
    nil true false undefined unset empty unknown disabled enabled denied failed failure error
    optional needed forgotten forgot string str text bytes byte int integer number bool boolean
    object any varchar char secretstr value values default defaults random generated auto automatic
    hidden masked redacted encrypted hashed plain plaintext basic bearer digest oauth oauth2 oidc
    saml ldap kerberos token tokens password passwords passwd secret secrets key keys credential
    credentials name names user username login email admins include omit same-origin prompt
    interactive yes no on off ok okay done here there below above attached see check ask please sent
    soon later same unchanged new old first last next prev previous this that it its is are was were
    has have had been be not never only and or but for from with without in at to of by via when
    while after before if then else must should can cannot may might will would expires expiry
    rotation rotate policy strength length manager management field fields file files path url uri
    http https json yaml xml html base64 base32 md5 sha1 sha256 sha512 bcrypt argon2 argon2id scrypt
    pbkdf2 hs256 rs256 es256 ed25519 aes-256-gcm aes256 scram-sha-256 kms vault 1password lastpass
    bitwarden keychain opaque inherit external internal public private shared readonly read-only
    write present absent configured unchecked verified valid mismatch mismatched matched leaked
    exposed compromised sensitive todo fixme example test foo bar baz self none. args argument
    arguments param params parameter variable constant input falsch abgelaufen vergessen inválida
    invalido inválido caducada expirada incorrecta vacía vide oublié неверный истёк неверен 错误 已过期
    期限切れ 없음 kubernetes approle userpass github jwt cert mtls tls ssl trust peer ident md5sum
    nopasswd strict lax secure managed unmanaged stored rejected accepted granted session sessions
    cookie cookies header headers cache redis memory database env environment prohibit-password
    stdin stdout n/a na tbd tba unlimited
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())


def kept(value: str) -> bool:
    """Whether it is surely no secret: masked, a reference, code, a word of every day, a time or a number."""
    plain = value.strip(" .,;:!?'\"`()[]{}<>*_").casefold()
    return (
        not plain
        or plain in STOP_WORDS
        or _MASK.fullmatch(value) is not None
        or _REFERENCE.fullmatch(value) is not None
    )


def is_code(value: str) -> bool:
    """An expression of a program rather than its text."""
    return _CODE.fullmatch(value) is not None or value in ("lambda", "await", "new", "func", "function")


def names_a_secret(value: str) -> bool:
    """`db_password`, `api-key`: the name of one, not one."""
    return _SECRET_WORD.search(value) is not None and not has_digit(value)


def is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


def is_time_or_number(value: str) -> bool:
    return _WHEN.fullmatch(value) is not None


def is_slug(value: str) -> bool:
    """Words and small numbers: `checkout-db-2026`, `v1beta1`, `orders.created`."""
    return _SLUG.fullmatch(value) is not None and not looks_random(value)


def has_digit(value: str) -> bool:
    return _DIGIT.search(value) is not None


def mixed(value: str) -> bool:
    """Letters with digits, or with signs among them, as in most passwords."""
    return _LETTER.search(value) is not None and _NO_LETTER.search(value.strip(".,;:!?")) is not None


def strong(value: str) -> bool:
    """Letters and digits, or several signs besides those that join words."""
    if not _LETTER.search(value):
        return False
    return has_digit(value) or len(set(_SIGN.findall(value))) > 2


def looks_random(value: str, letters: int = 24) -> bool:
    """Made by a generator: letters, cases and digits follow each other in no order. From 16 characters on.

    `letters`: how many it takes when there is no digit among them.
    """
    if len(value) < 16 or not _CAPITAL_OR_DIGIT.search(value):
        return False
    core = "".join(part for part in _NO_SIGN.split(value[:_LOOKED_AT]) if not _WORDLIKE.fullmatch(part))
    if len(core) < 16 or core.isdigit():
        return False
    if _HEX.fullmatch(core):
        return len(set(core)) > 6
    share = len(_TURN.findall(core)) / (len(core) - 1)
    digits = len(_DIGIT.findall(core))
    capitals = len(_CAPITAL.findall(core)) / len(core)
    even = 0.3 <= capitals <= 0.7  # CamelCase has fewer
    if digits == 0:
        return even and share >= 0.3 and len(core) >= letters
    if 0 < capitals < 1 and core.upper() != core:
        return share >= (0.33 if even and digits > 2 else 0.36 if digits > 1 else 0.4)
    return share >= 0.24 and digits >= 3


def decoded(value: str) -> str:
    """The text that base64 hides, "" when it hides none."""
    if len(value) < 8 or len(value) > 4000:
        return ""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text if text.isprintable() else ""
