"""Personal data and secrets: e-mail addresses, telephone and card numbers, accounts, addresses of machines, keys.

Names, streets and dates of birth are not looked for: no pattern tells them from other text. What is found is
shown masked, so that no report repeats it. Addresses and numbers set aside for examples do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from aftertune.data.detectors._secrets import secret, url_credentials
from aftertune.data.detectors.base import LOOKED_AT, Detector, Found, Seen
from aftertune.data.text.checksums import is_card, leading_iban

_NOT_DIGITS = bytes(code for code in range(256) if not 48 <= code <= 57)
_TRIES = 500  # candidates looked at per kind of datum: enough for a table of them

_EMAIL = re.compile(
    r"(?<![\w.%+@-])([A-Za-z0-9_][\w.%+-]{0,63})@((?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,4})([A-Za-z]{2,12})(?![\w@-])"
)
# Two letters are a country; of the longer ones those with most addresses. File names and code end otherwise.
_ENDS = frozenset(
    ["com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "dev", "app", "xyz", "online",
     "site", "tech", "store", "shop", "club", "live", "cloud", "email", "company", "mobi", "museum", "aero",
     "coop", "jobs", "travel", "asia", "africa", "berlin", "london", "tokyo", "paris", "world", "group", "agency"]
)  # fmt: skip
_NOT_ENDS = frozenset(["py", "js", "md", "sh", "rb", "cs", "ts", "vb"])  # files, mostly
# RFC 2606 and 6761, and what people write who need an address that is none.
_NOBODY = re.compile(
    r"(?:.*\.)?(?:example|test|invalid|localhost|local|internal)\.(?:\w{2,12})?"
    r"|(?:your|my|our|some|any|the)?-?_?(?:domain|company|site|website|email|mail-?server|mailserver|provider|business"
    r"|organi[sz]ation|school|university|college|store|shop|app|server|host|address|abc|xyz|foo|bar|acme|xxx+)\.",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"://[^\s/]{0,80}$")
_NO_ONE = frozenset(["git", "user", "username", "name", "your", "yourname", "your_name", "your.name", "youremail",
                     "your_email", "your-email", "youremailaddress", "email", "someone", "example", "xxx"])  # fmt: skip

_WORLD = re.compile(r"(?<![\w)+])(?<!\d )\+[1-9][\d ().-]{6,22}\d(?![\w@]| ?[=*^])")
_NORTH_AMERICA = re.compile(
    r"(?<![\w.+/(-])(?:1[ .-])?(?:\(([2-9]\d\d)\) ?([2-9]\d\d)[ .-]|([2-9]\d\d)([.-])([2-9]\d\d)\4)(\d{4})"
    r"(?![\w-]| ?[=+*/^\u00d7]|\.\d)"
)
_NUMBER = re.compile(r"\d[\d ().-]{5,30}\d")  # what holds a telephone, card or account number
_CALLED = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|cellphone|call|fax|whatsapp|sms|hotline|telefon|handy|tlf|t[e\u00e9]l[e\u00e9]fono"
    r"|t[e\u00e9]l[e\u00e9]phone)\b[^\d\n]{0,25}$",
    re.IGNORECASE,
)
_NO_CALL = re.compile(r"(?:(?:19|20)\d\d[ -]{0,3}){1,6}|\d{1,4}(?:\.\d{1,2}){1,3}")  # years, dates, amounts
_SUM = re.compile(r" ?[=*+^%\u00d7]|\w")
_CARD = re.compile(
    r"(?<![\w.,-])(?<![A-Z]{2}\d\d )(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?![\w-]|[.,]\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2} ?[A-Z0-9]{4}[A-Z0-9 ]{7,40}")
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]| ?[=+*/^])")
_IP = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w/]|\.\d)|(?<![\w:])[23][0-9a-fA-F]{3}:[0-9a-fA-F:]{2,34}(?![\w:])"
)
_IP_SIGN = re.compile(r"\.\d{1,3}\.\d{1,3}\.?\d?|:[0-9a-fA-F]{0,4}:")
_VERSION = re.compile(r"(?:\bv|version|release|build|section|chapter|clause)[ .:#-]{0,3}$", re.IGNORECASE)
_OPEN_RESOLVERS = frozenset(["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220"])
# Published for tests by the card schemes and payment providers, and the accounts of IBAN's own documentation.
_TEST_NUMBERS = frozenset(
    ["4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556", "4222222222222",
     "4000000000000002", "5555555555554444", "5105105105105100", "5200828282828210", "2223003122003222",
     "378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3056930009020004",
     "30569309025904", "38520000023237", "3566002020360505", "3530111333300000", "4532015112830366",
     "GB82WEST12345698765432", "GB29NWBK60161331926819", "DE89370400440532013000", "FR1420041010050500013M02606",
     "078051120", "219099999", "123456789"]
)  # fmt: skip
_BRITISH_FICTION = re.compile(
    r"(?:44|0)(?:0?)(?:7700900|1632960|2079460|1134960|1144960|1154960|1164960|1174960|1214960)"
)
_COUNTING = "01234567890123456789098765432109876543210"


def find(seen: Seen) -> tuple[Found, ...]:
    """What is found anywhere in the row, masked; at most one of each kind."""
    text = "\n".join([turn.content[:LOOKED_AT] for turn in seen.row.turns])
    found = [Found(label, shown) for label, shown in _all(text) if shown]
    return tuple(found)


def _all(text: str) -> Iterator[tuple[str, str]]:
    """Each kind with what is shown of the first one; tests that cost little keep the patterns from most rows."""
    if "@" in text:
        yield "email", _first(_EMAIL, text, _email)
        if "://" in text:
            yield "url_credentials", url_credentials(text)
    digits = len(text.encode("ascii", "ignore").translate(None, _NOT_DIGITS))
    numbers = [match for match in _NUMBER.finditer(text) if _n_digits(match.group()) >= 7] if digits >= 7 else []
    if numbers:
        yield "phone", _phone(text, numbers)
        yield "card", _first(_CARD, text, _card)
        yield "iban", _first(_IBAN, text, _iban)
        yield "us_ssn", _first(_SSN, text, _ssn)
    if digits >= 4 and _IP_SIGN.search(text):
        yield "ip", _first(_IP, text, _ip)
    yield "secret_key", secret(text)


def _n_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _first(pattern: re.Pattern[str], text: str, shown: Callable[[re.Match[str]], str]) -> str:
    """The first match that is one, masked; empty when none is."""
    for _, match in zip(range(_TRIES), pattern.finditer(text), strict=False):
        masked = shown(match)
        if masked:
            return masked
    return ""


def _email(match: re.Match[str]) -> str:
    local, domain, end = match.group(1).lower(), match.group(2).lower(), match.group(3).lower()
    if end in _NOT_ENDS or (len(end) > 2 and end not in _ENDS):
        return ""
    if _IN_URL.search(match.string[max(match.start() - 80, 0) : match.start()]):
        return ""  # that is a password, and `url_credentials` sees to it
    if local in _NO_ONE or _NOBODY.match(f"{domain}{end}") or local.endswith(".") or ".." in local:
        return ""
    return f"{match.group()[0]}***@{domain[0]}***.{end}"


def _phone(text: str, numbers: list[re.Match[str]]) -> str:
    if "+" in text:
        shown = _first(_WORLD, text, lambda match: _called(match.group()))
        if shown:
            return shown
    shown = _first(_NORTH_AMERICA, text, lambda match: _called(match.group()))
    if shown:
        return shown
    for match in numbers[:_TRIES]:
        before, after = text[max(match.start() - 45, 0) : match.start()], text[match.end() : match.end() + 2]
        if _CALLED.search(before) and not (_SUM.match(after) or _NO_CALL.fullmatch(match.group())):
            shown = _called(match.group())
            if shown:
                return shown
    return ""


def _called(number: str) -> str:
    """A telephone number masked; empty when it has not the digits of one, or is one of those set aside for fiction."""
    digits = "".join(character for character in number if character.isdigit())
    spaced = len(digits) < len(number.removeprefix("+"))
    if not (8 if number.startswith("+") else 7) <= len(digits) <= 15 or not (spaced or len(digits) >= 10):
        return ""
    home = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    if len(set(home)) < 3 or home in _COUNTING or len(home) in (7, 10) and "555" in (home[:3], home[-7:-4]):
        return ""
    return "" if _BRITISH_FICTION.match(digits) else _last_two(number.strip())


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", match.group())
    return _last_two(match.group()) if is_card(digits) and digits not in _TEST_NUMBERS and len(set(digits)) > 3 else ""


def _iban(match: re.Match[str]) -> str:
    number = leading_iban(match.group())
    return f"{number[:2]}** **** \u2026" if number and number not in _TEST_NUMBERS else ""


def _ssn(match: re.Match[str]) -> str:
    digits = match.group().replace("-", "")
    return "" if digits in _TEST_NUMBERS or len(set(digits)) < 3 else "***-**-****"


def _ip(match: re.Match[str]) -> str:
    from ipaddress import ip_address

    try:
        address = ip_address(match.group().rstrip(":"))
    except ValueError:
        return ""
    if not address.is_global or address.is_multicast or match.group() in _OPEN_RESOLVERS:
        return ""
    if address.version == 6:
        return f"{match.group()[:4]}:***"
    before = match.string[max(match.start() - 40, 0) : match.start()]
    plain = len(match.group()) >= 11 or re.search(r"\bIP", before)
    if not plain or match.group().endswith(".0") or _VERSION.search(before):
        return ""
    return f"{match.group().partition('.')[0]}.*.*.*"


def _last_two(number: str) -> str:
    """A number with every digit but the last two as a star."""
    stars, digits = [], 0
    for character in reversed(number):
        digits += character.isdigit()
        stars.append("*" if character.isdigit() and digits > 2 else character)
    return "".join(reversed(stars))


DETECTOR = Detector(
    version="1",
    about="Does the row hold personal data or secrets: addresses, numbers, keys?",
    labels=("email", "phone", "card", "iban", "us_ssn", "ip", "url_credentials", "secret_key"),
    find=find,
    limits=(
        "On own texts set aside while the patterns were written 36 of 37 were found, with 2 false alarms on 62 made to "
        "mislead (a Polish address, missed there at first, was mended). Telephone numbers without a leading plus, a "
        "North American form or a word such as 'call' nearby are missed. Addresses of firms count as well; made-up "
        "data counts unless it uses what is set aside for examples."
    ),
)
