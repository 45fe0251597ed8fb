"""What symbols can do, and what layers know of the symbols that they were called on."""
