"""Recurrent layers that are written step by step."""
