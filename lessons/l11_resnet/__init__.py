"""See gradients vanish, build the blocks, switch off each trick."""
