"""What can only be seen on a GPU: `make test-gpu`. Without one, what a CPU can show of it."""
