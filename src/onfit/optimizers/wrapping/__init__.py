"""Optimizers around others: around those of torch, and those that scale the loss for another."""
