"""Pool by hand, see what it forgets and who gets the gradient."""
