"""onfit"""
