"""Secrets typed into commands: `mysql -pSECRET`, `curl -u user:SECRET`, `--token SECRET`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from ratchet.llm.redact_base import MARK, Rule, Span, mark, pattern_rule, replaced
from ratchet.llm.redact_judge import (
    is_code,
    is_slug,
    is_time_or_number,
    kept,
    looks_random,
    mixed,
    names_a_secret,
    strong,
)
from ratchet.llm.redact_names import kind_of

_PASSWORD: Final = mark("password")

# Tools, then where their secrets stand. `+word`: only with that word in the command. `-p`: the next word is
# the secret. `-p*`: the rest of this one. `-u:`: the next word, after the colon. `2`: the second plain word
# after the `+word`. `=`: whatever follows `=` in plain words. `$`: the last word.
_TABLE: Final = """
mysql mysqldump mysqlimport mariadb mariadb-dump mysqlsh: -p*
mysqladmin: -p* password
mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat: -p --password
redis-cli valkey-cli keydb-cli: -a --pass
sshpass: -p -p*
curl: -u: --user: -U: --proxy-user:
http https xh: -a: --auth:
docker podman nerdctl buildah helm crane oras +login: -p --password
skopeo buildah: --creds: --src-creds: --dest-creds: --password
az +login: -p --password
argocd oc +login: --password --token
ldapsearch ldapmodify ldapadd ldapdelete ldappasswd ldapwhoami: -w -s
smbclient rpcclient winexe smbmap net: -U%
net +use: /user:+
sqlcmd bcp isql osql: -P
sqlplus expdp impdp sqlldr rman: 1/
cqlsh sstableloader: -p --password -pw
clickhouse-client clickhouse: --password
influx beeline: -password -p
impala-shell sqoop presto trino: --password
vsql: -w
db2: using
etcdctl: --user: --password
lftp: -u,
xfreerdp wfreerdp mstsc: /p:*
rdesktop evil-winrm nxc crackmapexec: -p
cmdkey: /pass:*
ipmitool: -P
snmpwalk snmpget snmpset snmpbulkwalk snmptrap: -c -A -X
rabbitmqctl +add_user: 2
rabbitmqctl +change_password: 2
rabbitmqctl +authenticate_user: 2
rabbitmqadmin: -p
htpasswd +-b: $
htpasswd +-nb: $
htpasswd +-bB: $
htpasswd +-bc: $
htpasswd +-cb: $
htpasswd +-nbB: $
htpasswd +-bnBC: $
openssl: -passin~ -passout~ -pass~ -k
keytool jarsigner: -storepass -keypass -srcstorepass -deststorepass -new
7z 7za 7zz unrar rar: -p* -hp*
zip unzip: -P -P*
gpg gpg2: --passphrase
vault bao +login: 1
vault bao +put: =
vault bao +patch: =
vault bao +write: =
kubectl oc +secret: --from-literal= --docker-password --token
fly flyctl doppler +set: =
doppler +secrets: =
aws +set: aws_secret_access_key aws_session_token
aws +secretsmanager: --secret-string
aws +SecureString: --value
gh glab +secret: -b --body
mc +set: $
mc +add: $
ngrok +authtoken: $
ngrok +add-authtoken: $
cargo +login: 1
snyk +auth: 1
wandb +login: 1
twine: -p --password
nuget dotnet: -k --api-key -ApiKey
poetry +config: $
composer +config: $
nmcli: password
mosquitto_pub mosquitto_sub: -P --pw
security: -p -w
notarytool altool xcrun: -p --password
useradd usermod: -p --password
wpa_passphrase: 2
ssh-keygen: -N
doctl: -t
bw +unlock: 1
sfdx sf: -p
"""
_PLACE: Final = re.compile(r"\d/?")
_NEAR: Final = 5  # words from the tool to its command
_FAR: Final = 40
_SPLIT: Final = ":%,"
_PLAIN_NAMES: Final = ("user", "username", "host", "hostname", "port", "database", "dbname", "name", "region")


@dataclass(slots=True)
class _Tool:
    """Where one tool, with one word in its command, takes secrets."""

    word: str
    places: list[str] = field(default_factory=list)


def _tools() -> dict[str, list[_Tool]]:
    tools: dict[str, list[_Tool]] = {}
    for line in _TABLE.strip().splitlines():
        names, places = line.split(": ", 1)
        word = "".join(name[1:] for name in names.split() if name.startswith("+"))
        for name in names.split():
            if not name.startswith("+"):
                tools.setdefault(name, []).append(_Tool(word, places.split()))
    return tools


_TOOLS: Final = _tools()
# One of these stands in every command with a secret: a flag, or one of the tools that need none.
_SIGNS: Final = (
    *(" -", "\t-", "\n-", "\\n-", "/user:", "/p:", "/pass:"),
    *(
        "sqlplus",
        "expdp",
        "impdp",
        "sqlldr",
        "rman ",
        "vault ",
        "bao ",
        "rabbitmqctl",
        "fly",
        "doppler ",
        "mc ",
    ),
    *(
        "ngrok",
        "cargo ",
        "snyk ",
        "wandb ",
        "poetry ",
        "composer ",
        "nmcli",
        "mysqladmin",
        "db2 ",
        "wpa_",
        "bw ",
    ),
)
_NAMES: Final = "|".join(re.escape(name) for name in sorted(_TOOLS, key=len, reverse=True))
_COMMAND: Final = re.compile(
    rf"(?<![\w.-])(?P<tool>{_NAMES})(?:\.exe)?(?=[ \t])(?P<line>(?:[^\n\\]|\\\n|\\.){{1,2000}})", re.ASCII
)
_PROSE: Final = re.compile(r"(?<!sudo)[\w,.)][ \t]*$")  # no command begins here, but a sentence goes on
_SHELL_WORD: Final = re.compile(
    r"(?:[ \t]|\\\n)+(?P<word>(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\[^\n]|[^\s|;&\"'\\]|[\"'])+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int


def _commands(text: str) -> str:
    def spans() -> Iterator[Span]:
        for found in _COMMAND.finditer(text):
            words = list(_words(text, found.start("line"), found.end("line")))
            tools = _TOOLS[found["tool"]]
            if _PROSE.search(text, max(0, found.start() - 40), found.start()):
                tools = [tool for tool in tools if "$" not in tool.places]
            for found_start, found_end in sorted(set(_secrets(tools, words))):
                start, end = _without_quotes(text, found_start, found_end)
                if _is_typed(text[start:end]):
                    yield start, end, _PASSWORD

    return replaced(text, spans())


def _without_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    quoted = end - start > 2 and text[start] in "\"'" and text[end - 1] == text[start]
    return (start + 1, end - 1) if quoted else (start, end)


def _words(text: str, at: int, end: int) -> Iterator[_Word]:
    """The words of one command, without their quotation marks."""
    while found := _SHELL_WORD.match(text, at, end):
        word, start = found["word"], found.start("word")
        if len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]:
            word, start = word[1:-1], start + 1
        yield _Word(word, start)
        at = found.end()


def _secrets(tools: list[_Tool], words: list[_Word]) -> Iterator[tuple[int, int]]:
    for tool in tools:
        at = next((index for index, word in enumerate(words) if word.text == tool.word), -1)
        if tool.word and not 0 <= at <= (_FAR if tool.word == "SecureString" else _NEAR):
            continue
        for place in tool.places:
            yield from _at(place, words, words[at + 1 :])


def _at(place: str, words: list[_Word], after: list[_Word]) -> Iterator[tuple[int, int]]:
    """Where the secrets of one place stand. `after`: the words after the tool's word."""
    if _PLACE.fullmatch(place) or place == "$":
        yield from _positional(place, [word for word in after if not word.text.startswith("-")])
    elif place == "=":
        yield from (span for word in after for span in _behind(word, "="))
    elif place.endswith("*"):
        flag = place[:-1]
        yield from (
            _span(word, len(flag))
            for word in words
            if word.text.startswith(flag) and len(word.text) > len(flag) + 2
        )
    else:
        flag = place.rstrip(":%,+~=")
        for word, following in zip_longest(words, words[1:]):
            if following is not None and _opens(word.text, place):
                yield from _after_flag(place, following)
            elif word.text.startswith(f"{flag}=") and flag.startswith("--"):
                yield from _after_flag(place, _Word(word.text[len(flag) + 1 :], word.start + len(flag) + 1))


def _opens(word: str, place: str) -> bool:
    return word.startswith(place[:-1]) if place.endswith("+") else word == place.rstrip(":%,~=")


def _positional(place: str, plain: list[_Word]) -> Iterator[tuple[int, int]]:
    index = -1 if place == "$" else int(place[0]) - 1
    if -len(plain) <= index < len(plain):
        word = plain[index]
        if place.endswith("/"):
            # user/SECRET@where
            slash = word.text.find("/")
            if slash > 0:
                yield word.start + slash + 1, word.start + len(word.text.split("@", 1)[0])
        else:
            yield _span(word, 0)


def _after_flag(place: str, word: _Word) -> Iterator[tuple[int, int]]:
    sign = place[-1]
    if sign in _SPLIT:
        yield from _behind(word, sign)
    elif sign == "=":
        yield from _behind(word, "=")
    elif sign == "~":
        yield from [_span(word, 5)] if word.text.startswith("pass:") else []
    else:
        yield _span(word, 0)


def _behind(word: _Word, sign: str) -> Iterator[tuple[int, int]]:
    at = word.text.find(sign)
    if at >= 0 and not word.text.startswith(("http", "-")) and word.text[:at] not in _PLAIN_NAMES:
        yield _span(word, at + 1)


def _span(word: _Word, skipped: int) -> tuple[int, int]:
    return word.start + skipped, word.start + len(word.text)


def _is_typed(value: str) -> bool:
    value = value.strip("\"'")
    refused = value[:1] in ("-", "$", "@", "/") or value.startswith(("file:", "http"))
    return (
        len(value) >= 3 and not refused and value not in _TOOLS and not (kept(value) or names_a_secret(value))
    )


def _flag(found: re.Match[str]) -> bool:
    """`--token SECRET`, for whatever tool."""
    kind, value = kind_of(found["name"]), found["s"]
    if kind is None or kept(value) or value[0] in "-$@/<{[(" or names_a_secret(value):
        return False
    if kind == "password":
        return mixed(value) and not is_time_or_number(value) and not is_code(value)
    return looks_random(value) or (len(value) >= 12 and strong(value) and not is_slug(value))


def _echoed(found: re.Match[str]) -> bool:
    return not kept(found["s"])


_QUOTE: Final = "[\"'`]?"
_READS_IT: Final = (
    r"[ \t]*\|[ \t]*(?:sudo[ \t]+)?(?:sudo[ \t]+(?:-k[ \t]+)?-S"
    r"|(?:\S{1,40}[ \t]+){1,8}?--(?:password|token)-stdin"
    r"|chpasswd|passwd[ \t]+--stdin|\S{1,40}[ \t]+auth[ \t]+login)"
)
RULES: Final[Sequence[Rule]] = (
    Rule(_SIGNS, _commands),
    pattern_rule(
        "password",
        "--pass --require --token --secret --api --auth --pw -password -token --client --access --private",
        r"(?<![\w-])--?(?P<name>[A-Za-z][\w-]{1,40}+)[\"']?(?:,[ \t]*|[ \t]+)"
        rf"{_QUOTE}(?P<s>[^\s\"'`<>,{MARK}]{{4,}})",
        _flag,
    ),
    pattern_rule(
        "password",
        "echo printf",
        rf"(?:echo|printf)(?:[ \t]+-n)?[ \t]+{_QUOTE}(?:[\w.@-]{{1,40}}:(?=[^|\n]{{1,200}}chpasswd))?"
        rf"(?P<s>[^\s\"'`|{MARK}]{{4,200}}){_QUOTE}{_READS_IT}",
        _echoed,
    ),
)
