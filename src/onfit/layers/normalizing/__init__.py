"""Layers that normalize groups of channels, or each sample by its length."""
