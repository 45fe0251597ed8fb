"""Keras' modules under all the names that scripts import them by."""

import importlib
import importlib.util
import re
import subprocess
import sys
from inspect import ismodule
from pathlib import Path

import numpy as np
import pytest

import onfit
from onfit.errors import ArgumentError, DataError, MissingModuleError, MissingPackageError
from onfit.preprocessing.sequence import pad_sequences

ROOMS = [
    *("activations", "backend", "callbacks", "constraints", "datasets", "initializers", "layers"),
    *("losses", "metrics", "models", "ops", "optimizers", "preprocessing", "random"),
    *("regularizers", "saving", "utils"),
]


def said_by(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name",
    [
        *ROOMS,
        *("datasets.mnist", "optimizers.schedules", "preprocessing.sequence", "utils.np_utils"),
        *("layers.core", "layers.lstm", "callbacks.early_stopping", "math"),
    ],
)
def test_a_module_is_one_object_under_both_its_names(name):
    real = importlib.import_module(f"onfit.{name}")
    assert importlib.import_module(f"onfit.keras.{name}") is real
    assert real.__name__ == real.__spec__.name == f"onfit.{name}"


DOORS = {
    *(path for path in Path(onfit.keras.__file__).parent.rglob("*.py")),
    Path(onfit.__file__).with_name("nn.py"),
} - {Path(onfit.keras.__file__)}


def name_of_door(path: Path) -> str:
    """`keras.utils.np_utils`, for the file that tools find under this name."""
    parts = path.relative_to(Path(onfit.__file__).parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", sorted(DOORS), ids=name_of_door)
def test_a_tool_that_reads_a_door_finds_all_names_that_python_finds(path):
    name = name_of_door(path)
    spec = importlib.util.spec_from_file_location("door", path)
    read = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(read)
    real = importlib.import_module(f"onfit.{name}")
    public = getattr(real, "__all__", [each for each in vars(real) if not each.startswith("_")])
    assert public
    for each in public:
        assert getattr(read, each) is getattr(real, each)


def test_every_module_of_keras_names_has_a_door_for_tools():
    doors = {name_of_door(path) for path in DOORS}
    inner = "datasets.mnist optimizers.schedules preprocessing.sequence utils.np_utils"
    modules = {name for name in onfit.keras.__all__ if ismodule(getattr(onfit.keras, name))}
    assert {"nn", *(f"keras.{name}" for name in {*modules, *inner.split()} - {"nn"})} <= doors


@pytest.mark.parametrize("keras", ["onfit", "onfit.keras"])
@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("layers.core", "Dense Dropout Activation Flatten Reshape Permute RepeatVector Lambda"),
        ("layers.recurrent", "LSTM GRU SimpleRNN"),
        ("layers.convolutional", "Conv2D MaxPooling2D ZeroPadding2D UpSampling2D Convolution2D"),
        ("layers.pooling", "MaxPooling2D GlobalAveragePooling1D"),
        ("layers.normalization", "BatchNormalization"),
        ("layers.embeddings", "Embedding"),
        ("layers.merge", "concatenate add Concatenate"),
        ("layers.advanced_activations", "LeakyReLU PReLU ELU"),
        ("layers.noise", "GaussianNoise"),
        ("layers.wrappers", "Layer"),
        ("engine.topology", "Layer Input"),
        ("engine.base_layer", "Layer"),
        ("engine.training", "Model"),
        ("optimizers.legacy", "Adam SGD"),
    ],
)
def test_a_script_of_keras_2_finds_its_names(keras, module, names):
    found = importlib.import_module(f"{keras}.{module}")
    for name in names.split():
        room = onfit.models if name == "Model" else onfit.layers
        room = onfit.optimizers if module.startswith("optimizers") else room
        assert getattr(found, name) is getattr(room, name)


def test_everything_of_an_old_module_can_be_imported_at_once():
    assert said_by("from onfit.layers.core import *; print(Dense.__name__, Reshape.__name__)") == (
        "Dense Reshape"
    )


def test_an_old_module_lacks_what_the_room_lacks():
    from onfit.layers import recurrent

    with pytest.raises(AttributeError, match="Did you mean 'LSTM'"):
        recurrent.LSTMM  # noqa: B018
    assert not hasattr(recurrent, "__wrapped__")


def test_importing_the_doors_loads_nothing():
    assert said_by(
        "import sys, onfit.keras, onfit as keras; from onfit.keras import callbacks\n"
        "from onfit.keras.callbacks import EarlyStopping; dir(keras.keras)\n"
        "print(*({'torch', 'numpy', 'onfit.layers'} & {*sys.modules}))"
    ) == ("")


@pytest.mark.parametrize("module", ["applications", "preprocessing.image", "tree", "wrappers"])
@pytest.mark.parametrize("keras", ["onfit", "onfit.keras"])
def test_a_module_that_is_not_here_says_what_to_write(keras, module):
    with pytest.raises(MissingModuleError, match=rf"^{keras}\.{module}: onfit has no .* Write \w"):
        importlib.import_module(f"{keras}.{module}")


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("from onfit.layers import Dense, Resizing", "torchvision"),
        ("from onfit.keras.layers import Resizing", "torchvision"),
        ("from onfit.layers.core import Resizing", "torchvision"),
        ("from onfit.layers.recurrent import CuDNNLSTM", "LSTM, which is as quick"),
        ("from onfit.ops import relu, svd", "torch.linalg"),
        ("from onfit.ops.linalg import svd", "torch.linalg"),
        ("from onfit.datasets import imdb", "torchvision.datasets"),
        ("from onfit.keras.utils import plot_model", "model.summary"),
        ("from onfit.utils.vis_utils import plot_model", "model.summary"),
        ("from onfit.optimizers import Muon", "torch.optim.Muon"),
        ("from onfit.preprocessing.sequence import TimeseriesGenerator", "sliding_window_view"),
        ("from onfit import GradientTape", "torch.autograd.grad"),
        ("from onfit import name_scope", "name= of the layers"),
    ],
)
def test_so_does_a_name_that_is_imported_from_its_module(line, instead):
    with pytest.raises(MissingModuleError, match=rf"^from onfit.* Write .*{instead}"):
        exec(line)


def test_names_of_tensorflow_say_what_onfit_has_for_them():
    for name, instead in [
        ("reduce_mean", "ops.mean"),
        ("function", "the function without it"),
        ("data", "a torch DataLoader"),
        ("newaxis", "numpy.newaxis"),
    ]:
        with pytest.raises(AttributeError, match=rf"'{name}'\. Write .*{instead}"):
            getattr(onfit, name)
    with pytest.raises(AttributeError, match=r"'set_seed'\. Write utils\.set_random_seed"):
        onfit.random.set_seed  # noqa: B018
    with pytest.raises(AttributeError, match=r"'l2_loss'\. Write ops\.sum"):
        onfit.nn.l2_loss  # noqa: B018


def test_what_is_written_instead_of_a_name_of_tensorflow_is_there():
    from onfit._instead_of_tensorflow import MATH, NN, RANDOM, TENSORFLOW

    for advice in [*TENSORFLOW.values(), *MATH.values(), *NN.values(), *RANDOM.values()]:
        for room, name in re.findall(r"\b(ops|layers|losses|random|callbacks)\.(\w+)", advice):
            assert hasattr(importlib.import_module(f"onfit.{room}"), name), advice


def test_no_name_that_is_refused_is_a_module_here():
    from onfit._instead import ROOMS

    for room, names in ROOMS.items():
        package = "onfit" if room in ("keras", "onfit") else f"onfit.{room}"
        folder = Path(onfit.__file__).parent.joinpath(*package.split(".")[1:])
        assert not {path.stem for path in folder.glob("*")} & {*names}, room


def test_parts_of_ops_are_found_under_their_own_names():
    from onfit import ops

    assert ops.nn is ops.numpy is importlib.import_module("onfit.keras.ops.nn") is ops


@pytest.mark.parametrize("keras", [onfit, onfit.keras])
def test_so_does_its_name_as_an_attribute(keras):
    with pytest.raises(AttributeError, match=r"'tree'\. Write torch\.utils"):
        keras.tree  # noqa: B018


def test_without_torch_each_door_says_in_one_sentence_how_to_install_it():
    on_torch = [room for room in ROOMS if room not in ("callbacks", "preprocessing")]
    said = said_by(
        "import sys; sys.modules['torch'] = None\n"
        "import importlib, onfit.callbacks, onfit.preprocessing, onfit.keras\n"
        f"for room in {on_torch!r}:\n"
        "    for name in (f'onfit.{room}', f'onfit.keras.{room}'):\n"
        "        try: importlib.import_module(name)\n"
        "        except onfit.errors.MissingPackageError as error: print(error.name, error)\n"
        "try: onfit.keras.Model\n"
        "except onfit.errors.MissingPackageError as error: print(error.name, error)\n"
    ).splitlines()
    assert len(said) == 2 * len(on_torch) + 1
    sentence = 'is built on torch, which is not installed. Install it with: pip install "onfit[tor'
    assert [line for line in said if not line.startswith("torch onfit.")] == []
    assert [line for line in said if sentence not in line] == []
    assert said[-1].startswith("torch onfit.keras.Model is built on torch")


def test_another_missing_package_is_not_blamed_on_torch():
    assert not issubclass(ModuleNotFoundError, MissingPackageError)
    with pytest.raises(ModuleNotFoundError, match=r"onfit\.no_such_room"):
        importlib.import_module("onfit.keras.no_such_room")


# --- pad_sequences -----------------------------------------------------------------------------

LISTS = [[1], [2, 3], [4, 5, 6], []]


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 2, 5])
@pytest.mark.parametrize("lists", [LISTS, [np.ones((2, 3)), np.zeros((4, 3))], [[1.5], [2]]])
def test_lists_become_as_long_as_in_keras(lists, maxlen, padding, truncating):
    import keras

    options = {"padding": padding, "truncating": truncating, "value": 7, "dtype": "float32"}
    theirs = keras.utils.pad_sequences(lists, maxlen, **options)
    ours = pad_sequences(lists, maxlen, **options)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_what_cannot_be_padded_is_named():
    with pytest.raises(ArgumentError, match=r"padding='front'.*'pre' or 'post'"):
        pad_sequences(LISTS, padding="front")
    with pytest.raises(DataError, match="number 1 is 5"):
        pad_sequences([[1], 5])
    with pytest.raises(DataError, match="must have one shape"):
        pad_sequences([np.ones((2, 3)), np.ones((2, 4))])
