"""The synthetic world of English requests that the organism is made from.

One idea per file; the word lists are in `words/*.yaml`. What is held out of training is decided here, once,
by `WORLD_SEED`, so that another training seed never moves an item across the line. It holds no training code.
"""

WORLD_SEED = 2026
