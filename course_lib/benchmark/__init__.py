"""Example data, and how to compare methods."""
