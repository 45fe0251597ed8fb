"""The same in Keras' `fit` on TensorFlow, which compiles a batch to a graph."""

from tests.golden.on_backend import checked_on


def test_keras_on_tensorflow(tmp_path):
    what = "check_all(folder); t.check_batches_executed_together(folder)"
    done = checked_on("tensorflow", what, tmp_path)
    assert done.returncode == 0, done.stderr
