"""What is measured. Each module has `cases(...)`, the measurements to make, and `run(...)`, which
makes one of them in a process of its own and returns its figures: `seconds`, and perhaps more.
"""
