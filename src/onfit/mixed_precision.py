"""Computing in half types, under Keras' names: `mixed_precision.set_global_policy(...)`.

from onfit import mixed_precision

mixed_precision.set_global_policy("mixed_bfloat16")        before the layers are made
model.compile("adam", "mse", mixed_precision="mixed_bfloat16")     or for one model, any net
"""

from onfit.optimizers import LossScaleOptimizer
from onfit.policies import DTypePolicy, global_policy, set_global_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

# Keras' other names of them.
Policy = DTypePolicy
dtype_policy = global_policy
set_dtype_policy = set_global_policy
