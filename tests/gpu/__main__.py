"""Make all checks: `python -m tests.gpu`."""

import sys

from tests.gpu import others, parts, trainings
from tests.gpu.checking import main

MODULES = (parts, trainings, others)  # importing them adds their checks

if __name__ == "__main__":
    sys.exit(main())
