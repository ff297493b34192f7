"""Count a large network by hand and by your own code; find a slide's errors."""
