"""The benchmarks: onfit beside other trainers and beside loops written by hand."""
