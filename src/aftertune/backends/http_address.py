"""Where a served model is: an address and a model's name in one text, such as `https://api.example.com/v1#name`.

What a study names can be somebody else's text: an address may not carry credentials, only https leaves this machine,
and the variable a key comes from must be called like one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, urlsplit

from aftertune.errors import ModelError

DEFAULT_KEY_VARIABLE = "OPENAI_API_KEY"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,56}_API_KEY")
_LONGEST = 2000
_EXAMPLE = "write it as `https://api.example.com/v1#model-name`"


@dataclass(frozen=True, slots=True)
class Address:
    """A served model: where it is, what it is called, and where its key comes from.

    Attributes:
        base_url: Scheme, host, port and path, without a slash at its end; never with credentials.
        model: The model's name as its server knows it.
        key_variable: The environment variable that holds the key; None where none is sent.
    """

    base_url: str
    model: str
    key_variable: str | None

    @property
    def name(self) -> str:
        """What it is called in keys, notes and messages.

        >>> read_address("HTTPS://API.Example.com/v1/?key_env=MINE_API_KEY#tiny").name
        'https://api.example.com/v1#tiny'
        """
        return f"{self.base_url}#{self.model}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine.

        >>> [read_address(f"{url}#m").is_local for url in ("http://[::1]:80/v1", "https://localhost.example.com")]
        [True, False]
        """
        return _is_loopback(urlsplit(self.base_url).hostname or "")


def is_address(name: str) -> bool:
    """Whether a model's name is an address, not a folder or a hub id.

    >>> [is_address(name) for name in ("http://127.0.0.1:8000/v1#m", "org/model@main", "organism")]
    [True, False, False]
    """
    return name.lower().startswith(("http://", "https://"))


def read_address(text: str) -> Address:
    """Take an address with a model's name apart.

    Args:
        text: The server's base URL, `#` and the model's name. `?key_env=NAME_API_KEY` before the `#` names the
            variable that holds the key: `OPENAI_API_KEY` unless told, and none on this machine unless told.

    Raises:
        ModelError: it is no such address, carries credentials, or would leave this machine without https. The
            message does not repeat what may hold a secret.

    >>> read_address("http://127.0.0.1:8000/v1#tiny")
    Address(base_url='http://127.0.0.1:8000/v1', model='tiny', key_variable=None)
    """
    base, _, model = text.partition("#")
    if not model.strip():
        raise ModelError("the address of a served model names no model", _EXAMPLE)
    if not model.isprintable() or len(model) > _LONGEST:
        raise ModelError("the name of a served model holds characters that none has, or is too long", _EXAMPLE)
    parts = _parts(base)
    variable = _variable(parts.query)
    address = Address(_plain_url(parts), model.strip(), variable)
    if variable is None and not address.is_local:
        return Address(address.base_url, address.model, DEFAULT_KEY_VARIABLE)
    return address


def _parts(base: str) -> SplitResult:
    """The parts of a URL that may be asked."""
    if len(base) > _LONGEST or not base.isprintable() or " " in base:
        raise ModelError("the address of a served model holds characters that none has, or is too long", _EXAMPLE)
    try:
        parts = urlsplit(base)
        _ = parts.port
    except ValueError:  # its message may repeat a password
        raise ModelError("the address of a served model cannot be read: look at its host and port", _EXAMPLE) from None
    if "@" in parts.netloc:
        raise ModelError(
            "the address of a served model carries credentials, which would end up in files",
            f"take them out, and put the key into the variable {DEFAULT_KEY_VARIABLE}",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError("the address of a served model has no host, or is not http", _EXAMPLE)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ModelError(
            f"{parts.hostname} would be asked over http, and everybody on the way could read rows and key",
            "write https://, or a tunnel's end on this machine, as in http://127.0.0.1:8000/v1",
        )
    return parts


def _plain_url(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _variable(query: str) -> str | None:
    """The variable a query names; the words found are not repeated, for they may be the key itself."""
    found = parse_qsl(query, keep_blank_values=True)
    if not query:
        return None
    if [key for key, _ in found] != ["key_env"]:
        raise ModelError("after the ? of a served model's address only `key_env=NAME_API_KEY` may stand", _EXAMPLE)
    return checked_variable(found[0][1])


def checked_variable(name: str) -> str:
    """The name of a variable that may be sent as a key.

    Others are refused: a study written by somebody else could have any secret of the environment sent anywhere.

    Raises:
        ModelError: it is not called so.

    >>> checked_variable("MINE_API_KEY")
    'MINE_API_KEY'
    """
    if not _VARIABLE.fullmatch(name):
        raise ModelError(
            "the variable of a served model's key must be called in capitals and end in _API_KEY",
            "write its name, not the key, as in `https://api.example.com/v1?key_env=EXAMPLE_API_KEY#model-name`",
        )
    return name


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
