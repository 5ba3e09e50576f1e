"""Which names are those of secrets: `DB_PASSWORD`, `api key`, `clientSecret`; not `token_ttl`, `cache_key`."""

from __future__ import annotations

import re
from typing import Final, Literal

NameKind = Literal["password", "token", "secret", "key"]

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD: Final = frozenset(
    "password passwd pwd pass pw passphrase passcode passwort kennwort psk pin requirepass masterauth storepass"
    " keypass srcstorepass deststorepass community dbpass userpass smtppass rootpass adminpass mypass authpass"
    " privpass secretpass senha contrasena clave haslo wachtwoord losenord parola heslo salasana".split()
)
_PASSWORD_ENDS: Final = ("password", "passwd", "passphrase", "passwort", "pwd", "passcode")
_TOKEN: Final = frozenset("token pat jwt otp totp authtoken accesstoken apitoken usertoken bottoken authcode".split())
_SECRET: Final = frozenset(
    "secret credential credentials creds auth clientsecret appsecret apisecret sas dsn pepper"
    " sessionid jsessionid phpsessid".split()
)
_KEY: Final = frozenset("apikey secretkey accesskey authkey privatekey masterkey encryptionkey appkey".split())
_KEY_OF: Final = frozenset(
    """
    api access auth private secret signing signature encryption encrypt decryption master license licence account
    shared service deploy storage admin integration routing webhook subscription app application client user root
    session write read ingest rest server unseal recovery consumer hmac crypto cipher aes insert query sdk browser
    totp mfa bot developer dev rsa ssh host personal genie dd restricted live heroku hubspot datadog newrelic
    mailgun sendgrid mailchimp stripe twilio openai anthropic claude gemini mistral groq cohere huggingface azure
    aws gcp google firebase github gitlab slack sentry grafana pagerduty opsgenie cloudflare fastly algolia
    postmark shopify square paypal okta databricks snowflake vault consul nomad jira linear notion airtable asana
    figma pusher ably mapbox tavily serpapi deepseek wandb pinecone weaviate elastic supabase sonar snyk
    launchdarkly segment amplitude mixpanel posthog bugsnag rollbar honeycomb dynatrace splunk logdna sumologic
    statuspage telegram discord
    """.split()
)
# What may follow the word: `SECRET_KEY_BASE`, `password2`, `client-key-data`.
_TRAILING: Final = frozenset("base value val data raw b64 base64 new old current prod dev staging live primary str".split())
# Tokens that point at a place in a list, whatever word stands between.
_POINTS: Final = frozenset("next page continuation starting forward backward pagination scroll cursor idempotency".split())
# Tokens that count or point at something.
_NO_TOKEN: Final = frozenset(
    "max min num n prompt completion total input output next page continuation continue sync pagination resume"
    " cursor start stop eos bos pad unk end cancellation cancel lock fencing special per reasoning cached public pub"
    " client block request".split()
)  # fmt: skip


def kind_of(name: str) -> NameKind | None:
    """`name`: an identifier in any style, or a few words."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and (words[-1].isdigit() or (len(words) > 1 and words[-1] in _TRAILING)):
        words.pop()
    if not words:
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _PASSWORD or last.endswith(_PASSWORD_ENDS):
        return "password"
    if last in _TOKEN or last.endswith("token"):
        return None if before in _NO_TOKEN or _POINTS.intersection(words) else "token"
    if last.startswith("credential") and before in ("amz", "goog"):
        return None  # of a signed address: the id of the key
    if last in _SECRET or last.endswith("secret"):
        return "secret"
    if last in _KEY or last.endswith("apikey") or (last == "key" and before in _KEY_OF):
        return "key"
    return None
