"""Average a noisy sensor, slide a filter, tell noise from delay."""
