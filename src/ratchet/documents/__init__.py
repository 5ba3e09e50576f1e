"""Documentation: where it is, and what is in it. Content in, chunks out."""
