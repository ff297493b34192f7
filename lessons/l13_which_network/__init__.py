"""Put accuracy against work, memory and time; choose, and defend the choice."""
