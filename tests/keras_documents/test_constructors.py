"""The constructors of callbacks, as the Keras documents write them."""

import ast
import inspect

import pytest
from tests.keras_documents.blocks import run

import onfit as keras
from onfit.callbacks import (
    BaseLogger,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    RemoteMonitor,
    TensorBoard,
    TerminateOnNaN,
)

CONSTRUCTORS = """
keras.callbacks.Callback()
keras.callbacks.BaseLogger(stateful_metrics=None)
keras.callbacks.BaseLogger()
keras.callbacks.TerminateOnNaN()
keras.callbacks.ProgbarLogger(count_mode='samples', stateful_metrics=None)
keras.callbacks.ProgbarLogger(count_mode='samples')
keras.callbacks.History()
keras.callbacks.ModelCheckpoint(filepath, monitor='val_loss', verbose=0, save_best_only=False, save_weights_only=False, mode='auto', period=1)
keras.callbacks.ModelCheckpoint(filepath, monitor='val_loss', verbose=0, save_best_only=False, save_weights_only=False, mode='auto', save_freq='epoch', load_weights_on_restart=False)
keras.callbacks.EarlyStopping(monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto', baseline=None, restore_best_weights=False)
keras.callbacks.EarlyStopping(monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto')
keras.callbacks.RemoteMonitor(root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None, send_as_json=False)
keras.callbacks.RemoteMonitor(root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None)
keras.callbacks.LearningRateScheduler(schedule, verbose=0)
keras.callbacks.LearningRateScheduler(schedule)
keras.callbacks.TensorBoard(log_dir='./logs', histogram_freq=0, batch_size=32, write_graph=True, write_grads=False, write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None, embeddings_data=None, update_freq='epoch')
keras.callbacks.TensorBoard(log_dir='./logs', histogram_freq=0, write_graph=True, write_grads=False, write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None)
keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', min_delta=0.0001, cooldown=0, min_lr=0)
keras.callbacks.ReduceLROnPlateau(monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', epsilon=0.0001, cooldown=0, min_lr=0)
keras.callbacks.CSVLogger(filename, separator=',', append=False)
keras.callbacks.LambdaCallback(on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None, on_train_begin=None, on_train_end=None)
""".strip().splitlines()  # noqa: E501
CLASSES = {
    cls.__name__: cls
    for cls in (
        BaseLogger,
        CSVLogger,
        Callback,
        EarlyStopping,
        History,
        LambdaCallback,
        LearningRateScheduler,
        ModelCheckpoint,
        ProgbarLogger,
        ReduceLROnPlateau,
        RemoteMonitor,
        TensorBoard,
        TerminateOnNaN,
    )
}
NEEDED = {
    "filepath": "model.h5",
    "filename": "training.log",
    "schedule": lambda epoch: 0.1,
}
# Where two documents disagree about an argument's place, most of them have `period` there, and
# `save_freq` is taken by its name, or as a text in that place. `epsilon` has become `min_delta`.
PLACE = {"save_freq": "period", "epsilon": "min_delta"}
# The document without `batch_size` in TensorBoard is the older one.
WITHOUT_PLACE = "TensorBoard(log_dir='./logs', histogram_freq=0, write_graph=True"


def parsed(text):
    """The class a line names, and its documented arguments with their defaults."""
    call = ast.parse(text, mode="eval").body
    needed = {name.id: NEEDED[name.id] for name in call.args}
    defaults = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    return CLASSES[call.func.attr], needed, defaults


@pytest.mark.filterwarnings("ignore:.*older name of min_delta")
@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_a_constructor_runs_as_it_is_documented(text):
    cls, _, _ = parsed(text)
    made = run(f"made = {text}", **NEEDED).made
    assert type(made) is cls
    assert isinstance(made, Callback)


@pytest.mark.filterwarnings("ignore:.*older name of min_delta")
@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_every_documented_argument_is_taken_by_its_name(text):
    cls, needed, defaults = parsed(text)
    made = cls(**needed, **defaults)
    for name, value in needed.items():
        assert getattr(made, name) == value


@pytest.mark.parametrize("text", CONSTRUCTORS)
def test_documented_defaults_are_the_defaults(text):
    cls, _, defaults = parsed(text)
    actual = inspect.signature(cls).parameters
    for name, value in defaults.items():
        assert actual["min_delta" if name == "epsilon" else name].default == value


@pytest.mark.parametrize("text", [text for text in CONSTRUCTORS if WITHOUT_PLACE not in text])
def test_documented_arguments_have_their_documented_places(text):
    cls, needed, defaults = parsed(text)
    places = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    documented = [PLACE.get(name, name) for name in (*needed, *defaults)]
    assert places[: len(documented)] == documented


def test_every_documented_callback_is_there():
    assert len(CLASSES) == 13
    assert {parsed(text)[0] for text in CONSTRUCTORS} == set(CLASSES.values())


def test_an_unknown_count_mode_is_a_value_error():
    with pytest.raises(ValueError, match="count_mode"):
        keras.callbacks.ProgbarLogger(count_mode="epochs")
