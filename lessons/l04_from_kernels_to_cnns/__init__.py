"""Learn a kernel, count sparse and shared weights, go back through a matrix."""
