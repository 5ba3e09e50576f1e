"""Secrets that are known by their own shape: keys and tokens of providers, JWTs, webhook addresses, hashes.

Shapes as their makers document them, or as they are seen in the open where nobody does.
Every repeat is bounded or disjoint from what follows, so that time grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ratchet.llm.redact_base import Rule, mark, pattern_rule, replaced
from ratchet.llm.redact_judge import looks_random

# Where a token may begin: not inside a word; but `\n`, `%3D` and a colour code end in a letter too.
START: Final = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2})|(?<=\[\dm)|(?<=\[\d\dm)|(?<=u00[0-9a-f]{2}))"
)
UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


def _random(found: re.Match[str]) -> bool:
    return looks_random(found[0].rpartition("-")[2]) or looks_random(found[0])


def _has_digit(found: re.Match[str]) -> bool:
    return any(char.isdigit() for char in found[0])


def _no_words(found: re.Match[str]) -> bool:
    return re.fullmatch(r"[a-z]*(?:[A-Z][a-z]{2,})*", found["body"]) is None and _not_masked(found)


def _not_masked(found: re.Match[str]) -> bool:
    """`ghp_xxxx…` only shows the shape."""
    return len(set(found[0][-20:])) > 4


# Kind, words that every match holds, pattern. Prefixes that nobody writes by chance need no word's start.
_BY_PREFIX: Final[Sequence[tuple[str, str, str]]] = (
    ("slack webhook", "hooks.slack",
     r"(?:https?://)?hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[\w/-]+"),
    ("slack token", "xox", r"xox[a-z](?:\.xox[a-z])?-(?:[A-Za-z0-9-]|%2[BF]){8,}"),
    ("slack token", "xapp- xwfp-", r"x(?:app|wfp)-[A-Za-z0-9-]{8,}"),
    ("aws key", "akia", r"AKIA[A-Z0-9]{16,}"),
    ("aws token", "iqojb3jpz2lu fwogzxivyxdz fqogzxivyxdz",
     r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)(?:[\w/+=-]|%2[BF]){16,}"),
    ("aws token", "absk bedrock-api-key-",
     r"(?:ABSK[A-Za-z0-9+/]{100,}|bedrock-api-key-[A-Za-z0-9+/]{20,})=*"),
    ("google key", "aiza", START + r"AIza[\w-]{35,}"),
    ("google secret", "gocspx-", r"GOCSPX-[\w-]{20,}"),
    ("google token", "ya29.", r"ya29\.[\w-]{20,}(?:\.[\w-]+)?"),
    ("azure key", "azdo", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    ("azure key", "jqqj99", r"[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{20,30}"),
    ("azure secret", "q~", START + r"[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w~-])"),
    ("github token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    ("github token", "github_pat_", r"github_pat_\w{30,}"),
    ("gitlab token", "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-",
     r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w.-]{16,}"),
    ("gitlab token", "gr1348941", r"GR1348941[\w-]{16,}"),
    ("bitbucket token", "atbb atctt3", r"AT(?:BB[A-Za-z0-9]{28,}|CTT3[\w=-]{60,})"),
    ("atlassian token", "atatt3 atoa", r"AT(?:ATT3|OA[A-Z])[\w=-]{40,}"),
    ("stripe key", "_live_ _test_ _prod_", START + r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    ("webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{20,}"),
    ("square token", "sq0", r"sq0(?:atp|csp|idp)-[\w-]{20,}"),
    ("braintree token", "access_token$", r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}"),
    ("plaid token", "access-", rf"access-(?:sandbox|development|production)-{UUID}"),
    ("adyen key", "aqe", START + r"AQE[a-z]?[A-Za-z0-9+/]{60,}(?:-[A-Za-z0-9+/=-]+)?"),
    ("shopify token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32,}"),
    ("sendgrid key", "sg.", START + r"SG\.[\w-]{16,}\.[\w-]{30,}"),
    ("mailgun key", "key-", START + r"key-[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("brevo key", "xkeysib- xsmtpsib-", r"x(?:key|smtp)sib-[0-9a-f]{40,}-\w{10,}"),
    ("resend key", "re_", START + r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9_])"),
    ("twilio key", "sk", START + r"SK[0-9a-fA-F]{32}(?![0-9a-zA-Z])"),
    ("telegram token", ":a", START + r"\d{8,10}:A[\w-]{34}(?![\w-])"),
    ("discord webhook", "/api/webhooks/",
     r"(?:https?://)?(?:\w{1,20}\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]+"),
    ("teams webhook", "webhook.office.com", r"(?:https?://)?[\w-]{1,63}\.webhook\.office\.com/[\w/@-]+"),
    ("webhook", "hooks.zapier.com", r"(?:https?://)?hooks\.zapier\.com/hooks/[\w/-]+"),
    ("webhook", "maker.ifttt.com", r"maker\.ifttt\.com/[\w/-]*?/key/(?P<s>[\w-]+)"),
    ("webhook", "/hooks/", r"/hooks/(?P<s>[a-z0-9]{26})(?![\w-])"),
    ("webhook", "events.pagerduty.com/integration/", r"events\.pagerduty\.com/integration/(?P<s>\w{20,})"),
    ("webhook", "hc-ping.com/", rf"hc-ping\.com/(?P<s>{UUID}|[\w-]{{22}}/)"),
    ("webhook", "/alertmanager/ /formatted_webhook/ /integrations/v1/",
     r"/integrations/v1/\w{3,40}/(?P<s>[A-Za-z0-9]{20,})"),
    ("npm token", "npm_", r"npm_[A-Za-z0-9]{36,}"),
    ("pypi token", "pypi-ageichlwas5vcmc pypi-agentdgvzdc5weXBp", r"pypi-AgE[\w-]{30,}"),
    ("docker token", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[\w-]{20,}"),
    ("rubygems key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    ("cargo token", "cio", START + r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    ("nuget key", "oy2", START + r"oy2[a-z0-9]{43}(?![a-z0-9])"),
    ("clojars token", "clojars_", r"CLOJARS_[0-9a-z]{60}"),
    ("jfrog key", "akcp cmvmd", START + r"(?:AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{59})"),
    ("vault token", "hvs. hvb. hvr.", START + r"hv[sbr]\.[\w-]{20,}"),
    ("terraform token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}"),
    ("digitalocean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    ("heroku key", "hrku-", r"HRKU-[\w-]{30,}"),
    ("fly token", "fm1 fm2_ fo1_", START + r"(?:fm(?:1[ar]|2)_[A-Za-z0-9+/]{60,}=*|fo1_[\w-]{40,})"),
    ("pulumi token", "pul-", START + r"pul-[0-9a-f]{40}"),
    ("tailscale key", "tskey-", r"tskey-[a-z]+-[\w-]{16,}"),
    ("cloudflare key", "v1.0-", START + r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}"),
    ("doppler token", "dp.",
     START + r"dp\.(?:pt|st|ct|sa|scim|audit)(?:\.[a-z0-9_-]{2,35})?\.[A-Za-z0-9]{40,44}"),
    ("1password token", "ops_eyj", r"ops_eyJ[A-Za-z0-9+/=_-]{60,}"),
    ("1password key", "a3-",
     START + r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    ("age key", "age-secret-key-", r"(?i:AGE-SECRET-KEY-(?:PQ-)?1)[0-9A-Za-z]{50,}"),
    ("swarm token", "swmtkn-", r"SWMTKN-\d-[a-z0-9]{40,}-[a-z0-9]{20,}"),
    ("k3s token", "k10", START + r"K10[0-9a-f]{64}::[\w.-]+:[\w.-]+"),
    ("openshift token", "sha256~", r"sha256~[\w-]{40,}"),
    ("netlify token", "nfp_ nfc_ nfo_", START + r"nf[pco]_[A-Za-z0-9]{36,}"),
    ("planetscale key", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w=.-]{30,}"),
    ("supabase key", "sbp_ sb_secret_", START + r"sb(?:p_[0-9a-f]{40}|_secret_[\w-]{20,})"),
    ("alibaba key", "ltai", START + r"LTAI[A-Za-z0-9]{17,21}(?![A-Za-z0-9])"),
    ("tencent key", "akid", START + r"AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    ("yandex key", "aqvn", START + r"AQVN[\w-]{35,38}"),
    ("newrelic key", "nral", START + r"[0-9a-f]{30,36}NRAL"),
    ("newrelic key", "nrak- nrii- nriq- nrjs- nrra- nrsp- nraa-",
     START + r"NR(?:AK|II|IQ|JS|RA|SP|AA)-[\w-]{16,}"),
    ("grafana token", "glsa_ glc_", START + r"gl(?:sa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|c_eyJ[\w+/=-]{30,})"),
    ("grafana token", "eyjrijoi", START + r"eyJrIjoi[\w+/=-]{40,}"),
    ("sentry token", "sntrys_ sntryu_ sntrya_ sntryi_", r"sntry[suai]_[\w+/=-]{40,}"),
    ("honeycomb key", "hcaik_ hcbik_ hcalk_ hcamk_", r"hc[ab][ilm]k_[a-z0-9]{50,}"),
    ("dynatrace token", "dt0", START + r"(?i:dt0[a-z]\d\d\.[A-Z0-9]{8,24}\.[A-Z0-9]{64})"),
    ("launchdarkly key", "sdk- api- mob-", START + rf"(?:sdk|api|mob)-{UUID}"),
    ("posthog key", "phx_", START + r"phx_[A-Za-z0-9]{40,}"),
    ("sonar token", "squ_ sqp_ sqa_", START + r"sq[upa]_[0-9a-zA-Z]{40}"),
    ("buildkite token", "bkua_ bkct_ bkat_ bkpt_", START + r"bk(?:ua|ct|at|pt)_[A-Za-z0-9]{36,}"),
    ("circleci token", "ccipat_ cciprj_", r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,}_[0-9a-f]{40}"),
    ("sourcegraph token", "sgp_", START + r"sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}"),
    ("openai key", "t3blbkfj", START + r"sk-[\w-]{16,100}T3BlbkFJ[\w-]{16,}"),
    ("anthropic key", "sk-ant-", r"sk-ant-[\w-]{20,}"),
    ("api key", "sk-", START + r"sk-(?:proj|svcacct|admin|or-v1|lf|litellm)-[\w-]{16,}"),
    ("groq key", "gsk_", START + r"gsk_[A-Za-z0-9]{40,}"),
    ("replicate token", "r8_", START + r"r8_[A-Za-z0-9]{37}"),
    ("xai key", "xai-", START + r"xai-[A-Za-z0-9]{70,}"),
    ("perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    ("langsmith key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("pinecone key", "pcsk_", r"pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,}"),
    ("databricks token", "dapi dkea dose", START + r"d(?:api|kea|ose)[0-9a-f]{32}(?:-\d)?(?![0-9a-z])"),
    ("dbt token", "dbtc_ dbtu_", START + r"dbt[cu]_[\w=-]{30,}"),
    ("neon key", "napi_", START + r"napi_[a-z0-9]{40,}"),
    ("linear key", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
    ("notion token", "ntn_", START + r"ntn_[A-Za-z0-9]{40,}"),
    ("notion token", "secret_", START + r"secret_[A-Za-z0-9]{43}(?![A-Za-z0-9_])"),
    ("figma token", "figd_ figu_ figo_", START + r"fig[duo]h?_[\w-]{36,}"),
    ("hubspot token", "pat-", START + rf"pat-[a-z]{{2}}\d-{UUID}"),
    ("okta token", "ssws", r"(?i:SSWS)\s{1,4}(?P<s>[\w-]{30,})"),
    ("postman key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("dropbox token", "sl.", START + r"sl\.(?:u\.)?[\w-]{100,}"),
    ("contentful token", "cfpat-", r"CFPAT-[\w-]{40,}"),
    ("mapbox token", "sk.eyj tk.eyj", START + r"[st]k\.eyJ[\w-]{20,}\.[\w-]{16,}"),
    ("facebook token", "eaa", START + r"EAA[A-Za-z0-9]{90,}"),
    ("typeform token", "tfp_", START + r"tfp_[\w.=-]{40,}"),
    ("easypost key", "ezak ezttk eztk", START + r"EZ[AT]K[A-Za-z0-9]{54}"),
    ("salesforce token", "00d", START + r"00D[A-Za-z0-9]{12,15}![\w.-]{40,}"),
    ("shippo token", "shippo_", r"shippo_(?:live|test)_[0-9a-fA-F]{40}"),
    ("harness token", "pat. sat.", START + r"[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    ("adobe secret", "p8e-", START + r"p8e-[A-Za-z0-9]{32}"),
    ("clickhouse key", "4b1d", START + r"4b1d[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
    ("flutterwave key", "flwseck", r"FLWSECK(?:_TEST)?-[a-z0-9]{12,32}(?:-X)?"),
    ("infracost key", "ico-", START + r"ico-[A-Za-z0-9]{32}"),
    ("intra42 secret", "s-s4t2", r"s-s4t2(?:ud|af)-[0-9a-f]{64}"),
    ("maxmind key", "_mmk", START + r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    ("scalingo token", "tk-us-", START + r"tk-us-[\w-]{48}"),
    ("settlemint token", "sm_", START + r"sm_[aps]at_[A-Za-z0-9]{16}"),
    ("authress key", ".acc",
     START + r"(?:sc|ext|scauth|authress)_\w{5,30}\.\w{4,6}\.acc[_-][\w-]{10,32}\.[\w+/=-]{30,}"),
    ("prefect key", "pnu_ pnb_", START + r"pn[ub]_[A-Za-z0-9]{36}"),
    ("readme key", "rdme_", START + r"rdme_[a-z0-9]{60,}"),
    ("frameio token", "fio-u-", START + r"fio-u-[\w=-]{60,}"),
    ("duffel token", "duffel_", r"duffel_(?:test|live)_[\w=-]{40,}"),
    ("twitter token", "aaaaaaaaaa", START + r"A{20,22}(?:[A-Za-z0-9]|%[0-9A-F]{2}){60,}"),
    ("password hash", "$2a$ $2b$ $2y$", r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{50,}"),
    ("password hash", "$1$ $5$ $6$ $7$ $y$ $apr1$",
     r"\$(?:[1567y]|apr1)\$[./A-Za-z0-9=$]{1,40}\$[./A-Za-z0-9]{20,}"),
    ("password hash", "$argon2",
     r"\$argon2(?:id|i|d)\$[\w=,$]{4,60}\$[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{16,}"),
)  # fmt: skip

# The same where chance needs a second look.
_JUDGED: Final = (
    pattern_rule("aws key", "asia abia acca", START + r"A(?:SIA|BIA|CCA)[A-Z0-9]{16,}(?![a-z])", _has_digit),
    pattern_rule("octopus key", "api-", START + r"API-[A-Z0-9]{26}(?![A-Z0-9])", _has_digit),
    pattern_rule("square token", "eaaa", START + r"EAAA[\w-]{22,70}(?![\w-])", _has_digit),
    pattern_rule(
        "api key",
        "sk- sk_ rk- rk_ pk_ pk-",
        START + r"[srp]k[-_](?:[A-Za-z0-9]{2,12}[-_]){0,3}[A-Za-z0-9]{20,}(?!\.pem)",
        _random,
    ),
    pattern_rule(
        "huggingface token",
        "hf_ api_org_",
        START + r"(?:hf|api_org)_(?P<body>[A-Za-z0-9]{34,40})(?![A-Za-z0-9_])",
        _no_words,
    ),
    pattern_rule("google token", "1//0", START + r"1//0[\w-]{40,}", _has_digit),
)  # fmt: skip

_CHAIN: Final = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]*+)++", re.ASCII)
_JWT: Final = mark("jwt")


def _jwts(text: str) -> str:
    """Signed ones have three parts, encrypted ones five; a chain of dotted words may hold more than one."""

    def spans() -> Iterator[tuple[int, int, str]]:
        for chain in _CHAIN.finditer(text):
            at, parts = chain.start(), chain[0].split(".")
            for index, part in enumerate(parts[:-1]):
                start = part.find("eyJ")
                size = _jwt_parts(part[start:], parts[index + 1 : index + 5]) if start >= 0 else 0
                if size:
                    yield at + start, at + len(".".join(parts[index : index + size])), _JWT
                at += len(part) + 1

    return replaced(text, spans())


def _jwt_parts(head: str, rest: list[str]) -> int:
    """How many parts the token that begins with `head` has, 0 when it is none."""
    if rest[0].startswith("eyJ") and len(head) >= 11:
        return min(3, 1 + len(rest))
    return 5 if len(head) >= 20 and len(rest) >= 4 and len(rest[2]) >= 20 else 0


RULES: Final[Sequence[Rule]] = (
    *(pattern_rule(*row, _not_masked) for row in _BY_PREFIX),
    *_JUDGED,
    Rule(("eyj",), _jwts),
)

# The same without a word that is rare.
_PLAIN: Final[Sequence[tuple[str, str, str]]] = (
    ("mailgun key", "", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9a-zA-Z-])"),
    ("discord token", "", r"[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w-])"),
    ("asana token", "", r"[0-2]/\d{10,}(?:/\d{10,})?:[0-9a-f]{32}"),
    ("airtable token", "", START + r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("mailchimp key", "", START + r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
)  # fmt: skip
PLAIN_RULES: Final[Sequence[Rule]] = (
    *(pattern_rule(*row, _not_masked) for row in _PLAIN),
    pattern_rule("vault token", "", START + r"s\.[A-Za-z0-9]{24}(?![\w.])", _random),
)
PLAIN_GATE: Final = (
    r"[0-9a-f]{32}-(?:[0-9a-f]{8}|us)|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.|[0-2]/[0-9]{10}"
    r"|pat[A-Za-z0-9]{14}\.|s\.[A-Za-z0-9]{24}"
)
