"""Transforms of training rows, one per file."""
