"""Run a model: load it, render conversations for it, let it write."""
