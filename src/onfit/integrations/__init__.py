"""onfit's callbacks in the loops of other libraries: one module for each library, imported by name.

from onfit.integrations.lightning import OnfitCallback
from onfit.integrations.optuna import PruningCallback
"""
