"""The measuring stick: onfit beside other trainers and beside loops written by hand."""
