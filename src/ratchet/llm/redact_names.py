"""Names of secrets: `DB_PASSWORD`, `api key`, `clientSecret`; not `token_ttl`, `cache_key`."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final, Literal

NameKind = Literal["password", "token", "secret", "key"]

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# The last word of the name of a password, of a token, of a secret.
_WORDS: Final[dict[NameKind, str]] = {
    "password": """
        password passwd pwd pass pw passphrase passcode passwort kennwort psk pin requirepass masterauth
        storepass keypass srcstorepass deststorepass community dbpass userpass smtppass rootpass adminpass
        mypass authpass privpass secretpass senha contrasena clave haslo wachtwoord losenord parola heslo
        salasana
        """,
    "token": "token pat jwt otp totp authtoken accesstoken apitoken usertoken bottoken authcode",
    "secret": """
        secret credential credentials creds auth clientsecret appsecret apisecret sas dsn pepper sessionid
        jsessionid phpsessid
        """,
    "key": "apikey secretkey accesskey authkey privatekey masterkey encryptionkey appkey",
}
_KINDS: Final[dict[str, NameKind]] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_ENDINGS: Final[Sequence[tuple[str, NameKind]]] = (
    *((ending, "password") for ending in ("password", "passwd", "passphrase", "passwort", "pwd", "passcode")),
    ("token", "token"),
    ("secret", "secret"),
    ("apikey", "key"),
)  # fmt: skip
# What stands before "key" when it is one.
_KEY_OF: Final = """
    api access auth private secret signing signature encryption encrypt decryption master license
    licence account shared service deploy storage admin integration routing webhook subscription app
    application client user root session write read ingest rest server unseal recovery consumer hmac
    crypto cipher aes insert query sdk browser totp mfa bot developer dev rsa ssh host personal
    genie dd restricted live heroku hubspot datadog newrelic mailgun sendgrid mailchimp stripe
    twilio openai anthropic claude gemini mistral groq cohere huggingface azure aws gcp google
    firebase github gitlab slack sentry grafana pagerduty opsgenie cloudflare fastly algolia
    postmark shopify square paypal okta databricks snowflake vault consul nomad jira linear notion
    airtable asana figma pusher ably mapbox tavily serpapi deepseek wandb pinecone weaviate elastic
    supabase sonar snyk launchdarkly segment amplitude mixpanel posthog bugsnag rollbar honeycomb
    dynatrace splunk logdna sumologic statuspage telegram discord
"""
_KEYS: Final = frozenset(_KEY_OF.split())
# What may follow the word: `SECRET_KEY_BASE`, `password2`, `client-key-data`.
_MAY_FOLLOW: Final = "base value val data raw b64 base64 new old current prod dev staging live primary str"
_TRAILING: Final = frozenset(_MAY_FOLLOW.split())
# Tokens that point at a place in a list, whatever word stands between.
_POINTERS: Final = "next page continuation starting forward backward pagination scroll cursor idempotency"
_POINTS: Final = frozenset(_POINTERS.split())
# Tokens that count, mark or name something, by the word before.
_OTHER_TOKENS: Final = """
    max min num n prompt completion total input output sync resume start stop eos bos pad unk end
    cancellation cancel lock fencing special per reasoning cached public pub client block request
    continue
"""
_NO_TOKEN: Final = frozenset(_OTHER_TOKENS.split())


@functools.lru_cache(maxsize=4096)
def kind_of(name: str) -> NameKind | None:
    """`name`: an identifier in any style, or a few words."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and (words[-1].isdigit() or (len(words) > 1 and words[-1] in _TRAILING)):
        words.pop()
    if not words:
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "key":
        return "key" if before in _KEYS else None
    kind = _KINDS.get(last) or next((kind for ending, kind in _ENDINGS if last.endswith(ending)), None)
    if kind == "token" and (before in _NO_TOKEN or _POINTS.intersection(words)):
        return None
    if kind == "secret" and before in ("amz", "goog"):
        return None  # `X-Amz-Credential` of a signed address is the id of the key
    return kind
