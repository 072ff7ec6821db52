"""Prompt formats, one per file: how an item becomes what the model reads."""
