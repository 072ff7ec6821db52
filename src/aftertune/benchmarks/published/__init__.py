"""Benchmarks whose items lie in a published file: find it, verify it, read it."""
