"""One attempt to have a served model write: what is sent over the wire, and what can go wrong there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aftertune.backends.http_address import Address
from aftertune.backends.http_answer import Fault, cleaned, read_refusal, read_reply
from aftertune.backends.http_limits import Limits, asked_wait
from aftertune.backends.http_records import Reply
from aftertune.extras import need

_PASSING = frozenset({408, 409, 425, 429})  # with all from 500 on: another attempt may fare better
_EVERYWHERE = frozenset({401, 404, 405})  # the key, the model or the address is wrong, not the request
_MOST_REFUSAL = 16_384


@dataclass(frozen=True, slots=True, repr=False)
class Wire:
    """An open client with what an attempt needs; without a repr, as it can reach the key."""

    client: Any
    base_url: str
    key: str
    limits: Limits


@asynccontextmanager
async def opened(address: Address, key: str, limits: Limits) -> AsyncIterator[Wire]:
    """A client for one address: it follows no redirect, and takes proxies from the environment but on this machine.

    Raises:
        MissingExtra: httpx2 is not installed.
    """
    http = need("httpx2", "http")
    headers = {"accept": "application/json", "accept-encoding": "identity", "content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    async with http.AsyncClient(
        headers=headers,
        timeout=http.Timeout(limits.timeout_s, pool=None),
        limits=http.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency),
        follow_redirects=False,
        trust_env=not address.is_local,
    ) as client:
        yield Wire(client, address.base_url, key, limits)


async def ask(wire: Wire, path: str, body: Mapping[str, Any]) -> Reply | Fault:
    """Ask once; whatever the network or the server does comes back as a fault."""
    http = need("httpx2", "http")
    try:
        # The client's own timeout starts anew with every byte; this one is for all of them.
        async with asyncio.timeout(wire.limits.timeout_s):
            return await _exchange(wire, path, body)
    except (TimeoutError, http.TimeoutException):
        return Fault(f"no answer within {wire.limits.timeout_s:g} s", again=True)
    except http.InvalidURL:
        return Fault("the client does not take this address", again=False, everywhere=True)
    except (http.HTTPError, http.StreamError, OSError) as error:
        said = cleaned(str(error), secret=wire.key)
        return Fault(f"the connection failed ({said or type(error).__name__})", again=True)


async def _exchange(wire: Wire, path: str, body: Mapping[str, Any]) -> Reply | Fault:
    content = json.dumps(body).encode()  # in ASCII, so that nothing in a text can fail to be sent
    async with wire.client.stream("POST", wire.base_url + path, content=content) as response:
        status: int = response.status_code
        if status != 200:
            return await _refused(wire, response, status)
        if response.headers.get("content-encoding", "identity") != "identity":
            return Fault("the answer is packed, which was not asked for", again=False)
        read = await _read(response, wire.limits.most_bytes)
    if len(read) > wire.limits.most_bytes:
        return Fault(f"the answer is larger than {wire.limits.most_bytes:,} bytes", again=False)
    return read_reply(read)


async def _refused(wire: Wire, response: Any, status: int) -> Fault:
    if 300 <= status < 400:
        host = host_of(response.headers.get("location", ""))
        where = f" to {cleaned(host)}" if host else ""
        return Fault(f"{status}: redirected{where}, which is not followed", again=False, everywhere=True)
    said = read_refusal(status, (await _read(response, _MOST_REFUSAL))[:_MOST_REFUSAL], secret=wire.key)
    again = status in _PASSING or status >= 500
    return Fault(said, again=again, wait_s=asked_wait(response.headers), everywhere=status in _EVERYWHERE)


async def _read(response: Any, most: int) -> bytes:
    """The body's bytes as they came, and at most one piece more than allowed."""
    read = bytearray()
    async for piece in response.aiter_raw():
        read += piece
        if len(read) > most:
            break
    return bytes(read)


def host_of(url: str) -> str:
    """The host of a URL somebody else wrote; empty where there is none.

    >>> host_of("https://user:secret@other.example.com:8443/x"), host_of("//[")
    ('other.example.com', '')
    """
    try:
        return urlsplit(url[:2000]).hostname or ""
    except ValueError:
        return ""
