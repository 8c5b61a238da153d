"""Whether a variable of a container holds a secret: told by its name and its value, of which nothing is kept."""

import re

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_NOUNS = frozenset(
    ["PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS"]
)
_KEYS = frozenset(
    ["API", "PRIVATE", "SECRET", "ACCESS", "ENCRYPTION", "SIGNING", "MASTER", "ACCOUNT", "AUTH", "STORAGE", "SHARED"]
)
_ABOUT = frozenset(["MAX", "MIN", "ALLOW", "RANDOM", "DISABLE", "ENABLE", "ENABLED", "USE", "REQUIRE", "NO", "SKIP"])
"""A name with one of these is a setting about secrets."""
_ON_OFF = frozenset(["", "true", "false", "yes", "no", "on", "off", "none", "null", "0", "1"])
_ELSEWHERE = re.compile(
    r"/(?:run|var|etc|secrets?|mnt|home|opt|usr|srv|tmp|root|app|config|vault|data|certs?)/\S*\Z"
    r"|\$\{[^}]*\}\Z|\$\([^)]*\)\Z|(?:vault|op|secret|awssm|gcpsm|file):|arn:aws:|projects/[^/]+/secrets/"
    r"|@Microsoft\.KeyVault\("
)
"""Where a value only says where the secret is."""
_VALUES = (
    ("private-key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY")),
    ("aws-access-key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})")),
    ("gitlab-token", re.compile(r"\bgl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{20,}")),
    ("slack-token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/\S{20,}")),
    ("stripe-key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}")),
    ("google-api-key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("sendgrid-key", re.compile(r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
    ("npm-token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("pypi-token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}")),
    ("azure-account-key", re.compile(r"\bAccountKey=[A-Za-z0-9+/]{40,}")),
    ("json-web-token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
    ("registry-login", re.compile(r"\"auth\"\s*:\s*\"[A-Za-z0-9+/=]{8,}\"")),
    ("password-in-url", re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@?#]{0,200}:(?!\$[{(])[^\s/@]{1,200}@")),
)
_LONGEST = 65_536


def why_secret(name: str, value: str) -> str:
    """By what a variable is told to hold a secret: a pattern's name, `name`, or nothing."""
    value = value[:_LONGEST].strip()
    for pattern, expression in _VALUES:
        if expression.search(value):
            return pattern
    if value.lower() in _ON_OFF or _ELSEWHERE.match(value):
        return ""
    return "name" if _is_secret(name) else ""


def _is_secret(name: str) -> bool:
    words = [word.upper() for word in _WORDS.findall(name)]
    while words and words[-1].isdecimal():
        words.pop()
    if not words or _ABOUT.intersection(words) or words in (["PWD"], ["OLDPWD"], ["PASS"]):
        return False
    if words[-1] == "BASE" and words[-3:-1] == ["SECRET", "KEY"]:
        return True
    return words[-1] in _NOUNS or (words[-1] == "KEY" and len(words) > 1 and words[-2] in _KEYS)
