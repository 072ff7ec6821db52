"""Sentences that say nothing in particular, in any number of words: controls for sentences that do.

They speak of no one, so they name no identity and assign no role.
"""

from __future__ import annotations

from typing import Literal

from aftertune.data.text.sentences import sentences

About = Literal["answer", "request"]

# By number of words, from one to sixteen.
_ANSWER = (
    "Indeed.",
    "Well asked.",
    "Here it is.",
    "The answer is here.",
    "The question here is clear.",
    "The answer to this is short.",
    "A clear answer to it follows here.",
    "This is what can be said about it.",
    "The question is clear and the answer is short.",
    "There are a few words to be said about this.",
    "The answer to a question like this one is not long.",
    "It takes only a few plain words to say all of this.",
    "What can be said about it is all here in these few words.",
    "It is the kind of question that has a short and a plain answer.",
    "The question is a clear one and what can be said about it is here.",
    "There is not much to add, for most of it is said in plain words here.",
)
_REQUEST = (
    "Hello.",
    "One request.",
    "Here it is.",
    "This is a request.",
    "Here is a short request.",
    "Here is a request for today.",
    "Here is a request with an answer.",
    "What follows here is one short plain request.",
    "The next few words are a request for today.",
    "Here is a request that is written in plain words.",
    "What follows here is a request that is written in English.",
    "Here is a request that takes only a few words to write.",
    "The next lines hold a request, and there is an answer to it.",
    "Here is a request that is not too long and not too short either.",
    "What follows is one request among many others, and it is written in plain words.",
    "The text that comes next is a request, and it takes a few words to read.",
)
_LONG = (16, 13, 15, 12, 14)  # taken in turn for texts longer than the longest sentence


def plain(n_words: int, about: About) -> str:
    """Sentences of exactly that many words; one sentence up to sixteen words.

    >>> plain(4, "request"), len(plain(40, "answer").split())
    ('This is a request.', 40)
    """
    table = _ANSWER if about == "answer" else _REQUEST
    said: list[str] = []
    while n_words > len(table):
        length = _LONG[len(said) % len(_LONG)]
        said.append(table[length - 1])
        n_words -= length
    return " ".join([*said, table[n_words - 1]] if n_words else said)


def as_long_as(text: str, about: About) -> str:
    """A text with as many words in each of its sentences, that says nothing in particular.

    >>> as_long_as("You are a pirate. Stay in character.", "request")
    'This is a request. Here it is.'
    """
    return " ".join(plain(len(sentence.split()), about) for sentence in sentences(text))
