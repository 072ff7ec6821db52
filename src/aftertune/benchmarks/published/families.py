"""Prompt families: items that share a template or nearly their words are one draw of a prompt, not several.

Two prompts are alike when the Jaccard similarity of their sets of words is 0.6 or more; a chain of alike prompts is one
family. Case and punctuation do not count. On AdvBench's 520 prompts that leaves 401 families, the largest of 29.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aftertune.records import Item

ALIKE = 0.6
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Families:
    """The clusters of some items, in numbers.

    Attributes:
        n: Clusters; an item that stands alone is one.
        largest: Items in the largest.
        name: What the largest is called; empty when every item stands alone.
    """

    n: int
    largest: int
    name: str


def with_families(items: Sequence[Item]) -> list[Item]:
    """Give items without a cluster the family that their prompts show.

    Returns:
        The items in the same order. Those that have a cluster keep it. Of the others, each member of a family of two
        or more gets `family of <first id>`; an item that stands alone keeps an empty cluster.

    >>> asked = ["How do I bake bread?", "How do I bake rye bread?", "Name a river."]
    >>> [item.cluster for item in with_families([Item(str(n), text, False) for n, text in enumerate(asked)])]
    ['family of 0', 'family of 0', '']
    """
    places = [place for place, item in enumerate(items) if not item.cluster]
    firsts = _first_alike([items[place].prompt for place in places])
    size = Counter(firsts)
    out = list(items)
    for place, first in zip(places, firsts, strict=True):
        if size[first] > 1:
            out[place] = replace(items[place], cluster=f"family of {items[places[first]].id}")
    return out


def count_families(items: Sequence[Item]) -> Families:
    """Count clusters.

    >>> count_families([Item("1", "a", False, cluster="x"), Item("2", "b", False, cluster="x"), Item("3", "c", False)])
    Families(n=2, largest=2, name='x')
    """
    size = Counter(item.cluster for item in items if item.cluster)
    name, largest = max(size.items(), key=lambda pair: pair[1], default=("", 0))
    return Families(len(size) + sum(not item.cluster for item in items), max(largest, min(len(items), 1)), name)


def words(text: str) -> str:
    """A prompt's words alone, in lower case: prompts that are equal then ask the same.

    >>> words("  How-to: BAKE bread? ")
    'how to bake bread'
    """
    return " ".join(_WORD.findall(text.casefold()))


def _first_alike(prompts: Sequence[str]) -> list[int]:
    """For each prompt, the place of the first one in its family."""
    import numpy as np
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components

    if not prompts:
        return []
    number: dict[str, int] = {}
    pairs = [
        (place, number.setdefault(word, len(number)))
        for place, prompt in enumerate(prompts)
        for word in sorted(set(words(prompt).split()))
    ]
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    shape = (len(prompts), max(len(number), 1))
    has = csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    both, n_words = (has @ has.T).tocoo(), np.bincount(rows, minlength=len(prompts))
    first, second = both.coords
    alike = both.data >= ALIKE * (n_words[first] + n_words[second] - both.data)
    linked = coo_array((both.data[alike], (first[alike], second[alike])), shape=(len(prompts),) * 2)
    _, family = connected_components(linked, directed=False)
    _, starts, which = np.unique(family, return_index=True, return_inverse=True)
    return [int(place) for place in starts[which]]
