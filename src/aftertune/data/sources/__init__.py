"""Source layouts: how the columns of a data file become turns, one layout per file."""
