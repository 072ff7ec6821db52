"""Many LoRA adapters of one base in one step, each exactly as if it were tuned alone."""
