"""Detectors: what an instruction data set holds already, one question per file."""
