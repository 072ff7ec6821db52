"""Hand-labelled rows, and what they say of the detectors' error."""
