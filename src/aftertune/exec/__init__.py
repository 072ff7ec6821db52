"""Where steps run: in this process, or in worker processes. The results are the same bytes."""
