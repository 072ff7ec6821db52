"""Numbers that carry their own check: payment cards and bank accounts."""

from __future__ import annotations

import re

# Registered lengths of international bank account numbers (SWIFT IBAN registry).
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VG": 24, "XK": 20,
}  # fmt: skip
# First digits and lengths of Visa, Mastercard, American Express, Diners Club, Discover, JCB and UnionPay.
_CARD = re.compile(
    r"4\d{12}|4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it.

    Source: ISO/IEC 7812-1, annex B.

    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    odd, even = digits[-1::-2], digits[-2::-2]
    return sum(map(int, odd)) % 10 == -sum(sum(divmod(2 * int(digit), 10)) for digit in even) % 10


def is_card(digits: str) -> bool:
    """Whether these digits can be a payment card's number: a scheme's first digits and length, and the check.

    >>> is_card("4111111111111111"), is_card("1234567890123456")
    (True, False)
    """
    return bool(_CARD.fullmatch(digits)) and luhn(digits)


def leading_iban(text: str) -> str:
    """The international bank account number that a text starts with, without spaces; empty when it does not.

    Its country's length and the check must fit.

    Source: ISO 13616-1, section 6.

    >>> leading_iban("GB82 WEST 1234 5698 7654 32 IS MINE")
    'GB82WEST12345698765432'
    >>> leading_iban("GB82WEST12345698765433")
    ''
    """
    length = _IBAN_LENGTHS.get(text[:2], 0)
    number = text[: 2 * length].replace(" ", "")[:length]
    if not length or len(number) < length or not (number.isascii() and number.isalnum()):
        return ""
    turned = number[4:] + number[:4]
    return number if int("".join(str(int(character, 36)) for character in turned)) % 97 == 1 else ""
