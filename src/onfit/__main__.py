"""`python -m onfit`."""

import sys

from onfit.cli import main

sys.exit(main())
