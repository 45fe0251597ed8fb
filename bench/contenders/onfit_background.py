"""onfit's `fit`, with checkpoints that are written while training goes on."""

from functools import partial

from bench.contenders import onfit

train = partial(onfit.train, background=True)
