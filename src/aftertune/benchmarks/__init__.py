"""Benchmarks, one per file: named, versioned items with what a model should do with them."""
