"""Addresses of served models: what may be asked, and what an error may say."""

from __future__ import annotations

import pytest

from aftertune.backends.http_address import Address, checked_variable, read_address
from aftertune.errors import ModelError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://127.0.0.1:8000/v1#m", Address("http://127.0.0.1:8000/v1", "m", None)),
        ("http://localhost/#org/model@1", Address("http://localhost", "org/model@1", None)),
        ("http://[::1]:9/v1/#m", Address("http://[::1]:9/v1", "m", None)),
        ("https://API.example.com/v1#m", Address("https://api.example.com/v1", "m", "OPENAI_API_KEY")),
        ("https://a.b/v1?key_env=MINE_API_KEY#m", Address("https://a.b/v1", "m", "MINE_API_KEY")),
        ("http://127.0.0.1/v1?key_env=MINE_API_KEY#m#2", Address("http://127.0.0.1/v1", "m#2", "MINE_API_KEY")),
    ],
)
def test_an_address_is_taken_apart(text, found):
    assert read_address(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://api.example.com/v1", "names no model"),
        ("https://api.example.com/v1# ", "names no model"),
        ("http://api.example.com/v1#m", "over http"),
        ("http://localhost.example.com/v1#m", "over http"),
        ("http://127.0.0.1.example.com/v1#m", "over http"),
        ("http://0.0.0.0/v1#m", "over http"),
        ("https://user:hunter2@api.example.com/v1#m", "carries credentials"),
        ("https://hunter2@api.example.com/v1#m", "carries credentials"),
        ("https://api.example.com:hunter2/v1#m", "cannot be read"),
        ("https://[hunter2/v1#m", "cannot be read"),
        ("https:///v1#m", "no host"),
        ("ftp://api.example.com#m", "not http"),
        ("https://api.example.com/v1\x1b[2J#m", "characters"),
        ("https://api.example.com/v1#m\nx", "characters"),
        ("https://api.example.com/" + "a" * 5000 + "#m", "too long"),
        ("https://api.example.com/v1?api-version=hunter2#m", "only `key_env="),
        ("https://api.example.com/v1?key_env=sk-hunter2#m", "end in _API_KEY"),
        ("https://api.example.com/v1?key_env=AWS_SECRET_ACCESS_KEY#m", "end in _API_KEY"),
        ("https://api.example.com/v1?key_env=A_API_KEY&key_env=B_API_KEY#m", "only `key_env="),
    ],
)
def test_what_may_not_be_asked_is_refused_without_repeating_a_secret(text, words):
    with pytest.raises(ModelError, match=words) as caught:
        read_address(text)
    assert "hunter2" not in caught.value.message + caught.value.fix
    assert (caught.value.message + caught.value.fix).isprintable()


def test_a_variable_of_an_enormous_name_is_refused_at_once():
    with pytest.raises(ModelError):
        checked_variable("A" * 1_000_000 + "_API_KEY")
