"""What make runs; students never need it."""
