"""Which of the tests and pages need which libraries."""

from importlib.util import find_spec

ALL = [
    "fastai",
    "gymnasium",
    "ignite",
    "lightgbm",
    "lightning",
    "skorch",
    "stable_baselines3",
    "transformers",
    "xgboost",
]
# Those that need more, or something else, than the library of their own name.
NEEDS = {
    "README": ["jax", "lightning", "xgboost"],
    "own_loops": [],
    "pages": [],
    "keras_jax": ["keras", "jax"],
    "keras_tensorflow": ["keras", "tensorflow"],
    "handed_as_it_is": ALL,
    "in_every_loop": [*ALL, "jax", "flax", "equinox", "optax", "sklearn"],
    "jax": ["jax", "flax", "equinox", "optax"],
    "write_your_own": ["poutyne"],
}


def can_run(name):
    """Whether all is installed that `test_<name>.py`, or the page `<name>.md`, needs."""
    name = name.replace("-", "_")
    return all(find_spec(library) is not None for library in NEEDS.get(name, [name]))
