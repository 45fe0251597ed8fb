"""The same in Keras' `fit` on JAX, where the trainer keeps the weights apart while it trains."""

from tests.golden.on_backend import checked_on


def test_keras_on_jax(tmp_path):
    done = checked_on(
        "jax", "check_all(folder); t.check_batches_executed_together(folder)", tmp_path
    )
    assert done.returncode == 0, done.stderr
