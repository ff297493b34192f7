"""Fill in a first blank, read a first card, learn what tensors can do."""
