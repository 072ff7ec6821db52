"""Keys, tokens and passwords in addresses, by the marks that their issuers give them."""

from __future__ import annotations

import re

# A sign that must be there, and the pattern to look for if it is.
_KEYS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (sign, re.compile(pattern))
    for sign, pattern in (
        ("AKIA", r"(?<!\w)AKIA[A-Z0-9]{16}(?!\w)"),  # Amazon
        ("ASIA", r"(?<!\w)ASIA[A-Z0-9]{16}(?!\w)"),
        (
            "PRIVATE KEY-----",
            r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY-----\s{1,4}(?:[\w-]{1,20}: [^\n]{1,80}\n){0,3}\s{0,4}"
            r"[A-Za-z0-9+/=]{32}",
        ),
        ("_", r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36}(?!\w)"),  # GitHub
        ("github_pat_", r"(?<!\w)github_pat_[A-Za-z0-9_]{60,90}(?!\w)"),
        ("glpat-", r"(?<!\w)glpat-[\w-]{20}(?![\w-])"),  # GitLab
        ("xox", r"(?<!\w)xox[abprs]-[A-Za-z0-9-]{10,80}(?![\w-])"),  # Slack
        ("AIza", r"(?<!\w)AIza[\w-]{35}(?![\w-])"),  # Google
        ("sk-", r"(?<![\w-])sk-[A-Za-z0-9_-]{20,200}(?![\w-])"),  # OpenAI, Anthropic
        ("sk_live_", r"(?<!\w)sk_live_[A-Za-z0-9]{16,100}(?!\w)"),  # Stripe
        ("hf_", r"(?<!\w)hf_[A-Za-z0-9]{34}(?!\w)"),  # Hugging Face
        ("npm_", r"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)"),
        ("pypi-", r"(?<!\w)pypi-[\w-]{50,250}(?![\w-])"),
        ("eyJ", r"(?<!\w)eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}(?![\w-])"),  # JSON web tokens
    )
)  # fmt: skip
_PLACEHOLDER = re.compile(r"example|your|dummy|sample|placeholder|secret|redacted|x{4}|0{6}|123456789", re.IGNORECASE)
_FEWEST = 10  # different characters; tokens are random, placeholders hold few
_URL = re.compile(
    r"(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/:@<>\"'`]{1,64}):([^\s/@<>\"'`]{1,128})@([A-Za-z0-9.-]{1,253})"
)
_NO_PASSWORD = re.compile(
    r"[{$<\[(*%]|^(?:pass|password|passwd|pwd|pw|secret|changeme|token|x-oauth-basic|my|your|user)|x{3}|^\W*$",
    re.IGNORECASE,
)
_NO_HOST = re.compile(r"localhost$|127\.|(?:.*\.)?example\.|(?:.*\.)?(?:test|invalid|local)$", re.IGNORECASE)
_TRIES = 100


def secret(text: str) -> str:
    """The first key or token, masked: its issuer's mark stays; empty without one."""
    dash, line = "-" in text, "_" in text
    for sign, pattern in _KEYS:
        if (dash if sign[-1] == "-" else line or sign[-1] != "_") and sign in text:
            for _, match in zip(range(_TRIES), pattern.finditer(text), strict=False):
                key = match.group()
                if len(set(key)) >= _FEWEST and not _PLACEHOLDER.search(key):
                    return "-----BEGIN PRIVATE KEY----- ***" if key.startswith("-") else f"{key[:4]}***"
    return ""


def url_credentials(text: str) -> str:
    """The first address with a user's password in it, masked; empty without one."""
    for _, match in zip(range(_TRIES), _URL.finditer(text), strict=False):
        password, host = match.group(2), match.group(3)
        if not (_NO_PASSWORD.search(password) or _NO_HOST.match(host)):
            return f"{match.group().partition('://')[0]}://***:***@{host[0]}***"
    return ""
