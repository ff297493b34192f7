"""What make runs; students need only setup and data."""
