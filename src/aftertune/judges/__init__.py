"""Judges, one per file: from an item and a response to verdicts."""
