"""Pool by hand, and see what pooling forgets and who gets the gradient."""
