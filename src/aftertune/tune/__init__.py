"""Fine-tuning: from training rows and a training seed to a checkpoint anyone can load."""
