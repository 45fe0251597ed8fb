"""Every argument of the methods of models, by the signatures of Keras 3.15 and 2.3.1: taken, or
refused by its name.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.contract.walker import assert_named, signature

from onfit import Model, Sequential, models
from onfit.callbacks import History
from onfit.errors import OnfitError
from onfit.layers import Dense
from onfit.utils import Sequence

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


class Batches(Sequence):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return X[:4], Y[:4]


def compiled() -> Sequential:
    model = Sequential([Dense(1, input_dim=3, name="only")])
    model.compile("sgd", "mse")
    return model


METHODS = {
    "compile", "compute_loss", "evaluate", "fit", "get_layer", "load_weights", "predict",
    "predict_on_batch", "reset_metrics", "save", "save_weights", "summary", "test_on_batch",
    "test_step", "to_json", "train_on_batch", "train_step",
}  # fmt: skip
# Arguments that the signatures of Keras 3.15 do not have: of 2.3.1, of 2.2.4, or in `**kwargs`.
OLDER = {
    "compile": ["sample_weight_mode", "target_tensors"],
    "fit": ["max_queue_size", "workers", "use_multiprocessing"],
    "evaluate": ["max_queue_size", "workers", "use_multiprocessing"],
    "predict": ["max_queue_size", "workers", "use_multiprocessing"],
    "train_on_batch": ["reset_metrics"],
    "test_on_batch": ["reset_metrics"],
    "save": ["include_optimizer", "save_format"],
    "save_weights": ["save_format"],
    "load_weights": ["by_name", "reshape"],
    "fit_generator": [
        "steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps",
        "validation_freq", "class_weight", "max_queue_size", "workers", "use_multiprocessing",
        "shuffle", "initial_epoch",
    ],
    "evaluate_generator": [
        "steps", "callbacks", "max_queue_size", "workers", "use_multiprocessing", "verbose",
    ],
    "predict_generator": [
        "steps", "callbacks", "max_queue_size", "workers", "use_multiprocessing", "verbose",
    ],
    "predict_classes": ["batch_size", "verbose"],
    "predict_proba": ["batch_size", "verbose"],
}  # fmt: skip
# What has to be given beside the argument that is looked at.
NEEDED: dict[str, dict[str, Any]] = {
    "fit": {"x": X, "y": Y, "verbose": 0},
    "evaluate": {"x": X, "y": Y, "verbose": 0},
    "predict": {"x": X, "verbose": 0},
    "predict_classes": {"x": X},
    "predict_proba": {"x": X},
    "train_on_batch": {"x": X, "y": Y},
    "test_on_batch": {"x": X, "y": Y},
    "predict_on_batch": {"x": X},
    "compute_loss": {"y": torch.ones(8, 1), "y_pred": torch.ones(8, 1)},
    "fit_generator": {"generator": Batches(), "verbose": 0},
    "evaluate_generator": {"generator": Batches()},
    "predict_generator": {"generator": Batches()},
    "save": {"filepath": "a.h5"},
    "save_weights": {"filepath": "a.weights.h5"},
    "load_weights": {"filepath": "there.h5"},
    "train_step": {"data": (torch.ones(8, 3), torch.ones(8, 1))},
    "test_step": {"data": (torch.ones(8, 3), torch.ones(8, 1))},
    "compile": {"loss": "mse"},
    "get_layer": {"name": "only"},
}
# A value for each argument, other than its default.
VALUES: dict[str, Any] = {
    "auto_scale_loss": False,
    "batch_size": 4,
    "by_name": True,
    "callbacks": [History()],
    "class_weight": {0: 1.0, 1: 2.0},
    "data": (torch.ones(8, 3), torch.ones(8, 1)),
    "epochs": 2,
    "expand_nested": True,
    "filepath": "there.h5",
    "include_optimizer": False,
    "index": 0,
    "initial_epoch": 1,
    "jit_compile": True,
    "layer_range": ["only", "only"],
    "line_length": 70,
    "loss": "mae",
    "loss_weights": [2.0],
    "max_queue_size": 4,
    "max_shard_size": 1.0,
    "metrics": ["mae"],
    "name": "only",
    "optimizer": "adam",
    "overwrite": True,
    "positions": [0.5, 0.8, 1.0],
    "print_fn": lambda text: None,
    "reset_metrics": False,
    "reshape": True,
    "return_dict": True,
    "run_eagerly": True,
    "sample_weight": np.ones(8, "float32"),
    "sample_weight_mode": "temporal",
    "save_format": "h5",
    "show_trainable": True,
    "shuffle": False,
    "skip_mismatch": True,
    "steps": 1,
    "steps_per_epoch": 1,
    "steps_per_execution": 2,
    "target_tensors": [Y],
    "training": False,
    "use_multiprocessing": True,
    "validation_batch_size": 4,
    "validation_data": (X, Y),
    "validation_freq": 2,
    "validation_split": 0.5,
    "validation_steps": 1,
    "verbose": 2,
    "weighted_metrics": ["mae"],
    "workers": 2,
    "x": X,
    "y": Y,
    "y_pred": torch.ones(8, 1),
    "zipped": False,
}
VALUES_OF = {
    ("compute_loss", "y"): torch.ones(8, 1),
    ("compute_loss", "sample_weight"): torch.ones(8),
    ("fit_generator", "validation_data"): Batches(),
    ("fit_generator", "class_weight"): {0: 1.0, 1: 2.0},
}
# What must stand beside an argument that says nothing alone.
BESIDE = {
    "initial_epoch": {"epochs": 3},
    "validation_steps": {"validation_data": (X, Y)},
    "validation_batch_size": {"validation_data": (X, Y)},
    "validation_freq": {"validation_data": (X, Y), "epochs": 2},
}
# What is refused, and what Keras' value for nothing is.
REFUSED = {
    "sample_weight_mode": None,
    "target_tensors": None,
    "zipped": True,
    "max_shard_size": None,
    "reshape": False,
}
# Taken, and without effect: these change no result here.
IDLE = {
    *("run_eagerly", "jit_compile", "steps_per_execution"),  # of compile
    *("use_multiprocessing", "training"),
}

NEWER = [
    (method, argument)
    for method in sorted(METHODS)
    for argument in signature(getattr(keras.Model, method))
    if argument != "kwargs"
]
ARGUMENTS = [
    *NEWER,
    *((method, argument) for method, more in OLDER.items() for argument in more
      if (method, argument) not in NEWER),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(method: str, argument: str, value: Any) -> Any:
    """Call the method with the argument, and with what it needs."""
    model = compiled()
    model.save("there.h5")
    given = {**NEEDED.get(method, {}), **BESIDE.get(argument, {}), argument: value}
    if method == "fit_generator" and argument.startswith("validation"):
        given["validation_data"] = Batches()
    if argument == "index":
        given.pop("name")
    return getattr(model, method)(**given)


def verdict_of(method: str, argument: str) -> str:
    """How onfit meets an argument: it is taken, or it is refused by its name."""
    value = VALUES_OF.get((method, argument), VALUES.get(argument))
    assert value is not None, f"write a value for {argument} of {method}"
    try:
        call(method, argument, value)
    except OnfitError as error:
        return "refused" if argument in str(error) else f"refused without its name: {error}"
    return "taken"


@pytest.mark.filterwarnings("ignore:use_multiprocessing")
@pytest.mark.parametrize(("method", "argument"), ARGUMENTS)
def test_every_argument_of_keras_is_taken_or_refused_by_name(method: str, argument: str) -> None:
    assert verdict_of(method, argument) == ("refused" if argument in REFUSED else "taken")


@pytest.mark.parametrize(("method", "argument"), [each for each in ARGUMENTS if each[1] in REFUSED])
def test_what_is_refused_is_taken_where_it_asks_for_nothing(method: str, argument: str) -> None:
    call(method, argument, REFUSED[argument])


@pytest.mark.parametrize(
    ("method", "wrong", "right"),
    [
        ("compile", "optimiser", "optimizer"),
        ("fit", "validation_dat", "validation_data"),
        ("evaluate", "return_dic", "return_dict"),
        ("predict", "batchsize", "batch_size"),
        ("train_on_batch", "clas_weight", "class_weight"),
        ("test_on_batch", "sample_weights", "sample_weight"),
        ("save", "overwrit", "overwrite"),
        ("save_weights", "over_write", "overwrite"),
        ("load_weights", "skip_mismatches", "skip_mismatch"),
        ("fit_generator", "steps_per_epochs", "steps_per_epoch"),
    ],
)
def test_a_misspelt_argument_leads_to_the_right_one(method: str, wrong: str, right: str) -> None:
    assert_named(lambda: call(method, wrong, 1), method, wrong, f"Did you mean '{right}'?")


def test_loading_a_model_takes_what_keras_takes(tmp_path: Path) -> None:
    compiled().save(tmp_path / "a.h5")
    for given in ({"compile": False}, {"safe_mode": False}, {"custom_objects": {}}):
        models.load_model(tmp_path / "a.h5", **given)
    assert_named(lambda: models.load_model("a.h5", custom_object={}), "'custom_objects'")
    assert_named(lambda: models.load_model("a.h5", options=3), "options", "suffix")


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_model_saved_without_optimizer_comes_back_uncompiled(tmp_path: Path, suffix: str) -> None:
    model = compiled()
    model.fit(X, Y, verbose=0)
    models.save_model(model, tmp_path / f"a.{suffix}", include_optimizer=False)
    loaded = models.load_model(tmp_path / f"a.{suffix}")
    assert loaded.optimizer is None
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save(tmp_path / f"a.{suffix}")
    assert models.load_model(tmp_path / f"a.{suffix}").optimizer is not None


@pytest.mark.parametrize(
    ("name", "save_format"), [("a.h5", "keras"), ("a.keras", "h5"), ("a", "tf"), ("a", "h5")]
)
def test_a_format_that_the_suffix_does_not_say_is_refused(name: str, save_format: str) -> None:
    assert_named(lambda: compiled().save(name, save_format=save_format), "save_format", "suffix")


def test_classes_are_predicted_as_in_keras_2() -> None:
    one, three = compiled(), Sequential([Dense(3, "softmax", input_dim=3)])
    one.set_weights([np.ones((3, 1)), np.zeros(1)])
    assert one.predict_classes(X).tolist() == [[1]] * 8
    assert one.predict_classes(-X).tolist() == [[0]] * 8
    outputs = three.predict_proba(X)
    np.testing.assert_array_equal(three.predict_classes(X), outputs.argmax(-1))


def test_a_step_of_ones_own_may_return_all_results() -> None:
    class Mine(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> Any:
            result = super().train_step(data)
            assert {"loss", "mae"} <= {*self.get_metrics_result()}
            return result

    model = Mine()
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)


def test_the_lists_name_only_what_there_is() -> None:
    arguments = {argument for _, argument in ARGUMENTS}
    assert {*REFUSED, *IDLE} <= arguments
