"""Parts of the results beyond single contrasts; one module per kind of question."""
