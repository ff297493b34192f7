"""Fill in its table, build it, train it, look inside."""
