"""Arrays in, small frozen records out: what fine-tuning changed, and how sure that is.

No files, no tables, no plots, no torch. Axes are named in the arrays: S training seed, F prompt format, I
item, G cluster of items, R replicate.
"""
