"""Small sites that are really built."""
