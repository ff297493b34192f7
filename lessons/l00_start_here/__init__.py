"""Fill in a first blank, read a first card."""
