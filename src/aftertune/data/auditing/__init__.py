"""The audit of an instruction data set: every detector over every row, tallied chunk by chunk."""
