"""A GPU that is not there: the CPU poses as one."""
