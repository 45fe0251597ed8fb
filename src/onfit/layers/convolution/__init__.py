"""Convolutions of other kinds: transposed, and apart for each channel."""
