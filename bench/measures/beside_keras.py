"""`fit` with callbacks that hear each batch: onfit and Keras on jax, in turns in one process.

On jax Keras runs ahead of Python, unless a callback hears batches.
"""

from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from bench.cases import Case
from bench.contenders.keras_style import library_of
from bench.measures import denormals
from bench.measures.hooks import keras_style_fits
from bench.measures.pairs import paired, quiet
from bench.workloads import load

KERAS = "keras_jax"
TURNS = 12
STEPS = 400  # in an epoch: many, so that its end weighs as little as in whole trainings
NAME = "onfit: no-op x 16, beside Keras on jax: no-op x 1"


def cases(quick: bool) -> Iterator[Case]:
    for workload in ("softmax", "mlp"):
        arguments = {"workload": workload, "quick": quick}
        yield Case(f"beside_keras_{workload}", NAME, __name__, arguments, contender=KERAS)


def run(workload: str, quick: bool) -> dict[str, Any]:
    """Seconds per step: of onfit with 16 callbacks, and as `plain` of Keras with one."""
    work = load(workload).first(20 if quick else STEPS)
    keras, onfit = library_of(KERAS), library_of("onfit")
    denormals.taken_for_zero()
    with TemporaryDirectory() as folder:
        _, with_one = keras_style_fits(keras, "no-op x 1", work, folder)
        _, with_sixteen = keras_style_fits(onfit, "no-op x 16", work, folder)
        return paired(with_one, with_sixteen, 3 if quick else TURNS, quiet)
