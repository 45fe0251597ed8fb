"""What only makes a training faster. Without this room the library does the same, slower."""
