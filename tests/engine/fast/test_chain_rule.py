"""The chain rule written out: the engine's numbers to the last bit, or none at all."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.engine.fast.stacks import (
    CLASSES,
    FEATURES,
    LABELS,
    NUMBERS,
    ONE_HOT,
    YES,
    Made,
    Unhashable,
    X,
    assert_equal,
    compiled,
    dense,
    plain,
    through_engine,
    trained,
    when,
)
from torch import Tensor, nn

from onfit import Model, Sequential, layers, losses, optimizers
from onfit.engine.fast.chain_rule import ChainRule, chain_rule_of
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.errors import DataError, ShapeError

STACKS: dict[str, tuple[Made, Any]] = {
    "one layer": (lambda: compiled(dense(CLASSES, "softmax")), LABELS),
    "two": (plain, LABELS),
    "labels in a column": (plain, LABELS[:, None]),
    "labels of floats": (plain, LABELS.float()),
    "many units": (lambda: compiled(dense(40, "tanh"), dense(32, "sigmoid"),
                                    dense(CLASSES, "softmax")), LABELS),
    "no biases": (lambda: compiled(dense(24, "relu", use_bias=False), dense(4),
                                   dense(CLASSES, "softmax", use_bias=False)), LABELS),
    "one-hot": (lambda: compiled(dense(24, "relu"), dense(CLASSES, "softmax"),
                                 loss="categorical_crossentropy"), ONE_HOT),
    "yes or no": (lambda: compiled(dense(24, "relu"), dense(1, "sigmoid"),
                                   loss="binary_crossentropy"), YES),
    "several yes or no": (lambda: compiled(dense(CLASSES, "sigmoid"),
                                           loss="binary_crossentropy"), ONE_HOT),
    "logits": (lambda: compiled(dense(24, "relu"), dense(CLASSES),
                                loss=losses.SparseCategoricalCrossentropy(from_logits=True)),
               LABELS),
    "logits of one-hot": (lambda: compiled(dense(CLASSES), loss=losses.CategoricalCrossentropy(
        from_logits=True)), ONE_HOT),
    "logits of yes or no": (lambda: compiled(dense(1), loss=losses.BinaryCrossentropy(
        from_logits=True)), YES),
    "numbers": (lambda: compiled(dense(24, "relu"), dense(1), loss="mse", metrics=["mae"]),
                NUMBERS),
    "numbers through tanh": (lambda: compiled(dense(1, "tanh"), loss="mse", metrics=[]),
                             NUMBERS[:, 0]),
    "activations apart": (lambda: compiled(dense(24), layers.Activation("relu"), dense(CLASSES),
                                           layers.Activation("softmax")), LABELS),
    "dropout": (lambda: compiled(layers.Dropout(0.2), dense(24, "relu"), layers.Dropout(0.5),
                                 dense(CLASSES, "softmax")), LABELS),
    "dropout of nothing": (lambda: compiled(dense(24, "relu"), layers.Dropout(0.0),
                                            dense(CLASSES, "softmax")), LABELS),
    "flat already": (lambda: compiled(dense(24, "relu"), layers.Flatten(),
                                      dense(CLASSES, "softmax")), LABELS),
    "other optimizers": (lambda: compiled(dense(24, "relu"), dense(CLASSES, "softmax"),
                                          optimizer=optimizers.SGD(0.1, momentum=0.9)), LABELS),
    "clipped": (lambda: compiled(dense(24, "relu"), dense(CLASSES, "softmax"),
                                 optimizer=optimizers.RMSprop(clipnorm=0.1)), LABELS),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_numbers_are_those_of_the_engine(
    name: str, ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, y = STACKS[name]
    found = trained(make, y=y)
    assert ways == [True] * 10
    assert_equal(found, through_engine(monkeypatch, make, y=y))


def drawn_by_lot(seed: int) -> tuple[Made, dict[str, Any]]:
    """What makes some stack, and how it is trained."""
    lot = random.Random(seed)
    between: list[Callable[[], nn.Module]] = [
        lambda: dense(lot.choice([1, 15, 16, 33]), lot.choice(["relu", "tanh", None])),
        lambda: dense(lot.choice([2, 40]), "sigmoid", use_bias=False),
        lambda: layers.Activation(lot.choice(["relu", "tanh"])),
        lambda: layers.Dropout(lot.choice([0.1, 0.5])),
        layers.Flatten,
    ]
    optimizer = lot.choice([
        lambda: optimizers.Adam(0.01, global_clipnorm=0.1, amsgrad=True),
        lambda: optimizers.AdamW(0.01),
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.01),
        lambda: optimizers.RMSprop(0.01, weight_decay=0.1),
    ])  # fmt: skip
    numbers = lot.choice(["float", "double", "bfloat16"])

    def make() -> Sequential:
        lot.seed(seed)
        stack = [lot.choice(between)() for _ in range(lot.randrange(5))]
        model = compiled(*stack, dense(CLASSES, "softmax"), optimizer=optimizer())
        getattr(model, numbers)()
        return model

    return make, {"batch_size": lot.choice([1, 7, 32]), "shuffle": lot.random() < 0.5}


@pytest.mark.parametrize("seed", range(24))
def test_so_are_those_of_any_stack(
    seed: int, ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, fit = drawn_by_lot(seed)
    found = trained(make, **fit)
    assert all(ways)
    assert_equal(found, through_engine(monkeypatch, make, **fit))


def test_images_are_made_flat_first(ways: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Sequential:
        torch.manual_seed(1)
        model = Sequential(
            [layers.Flatten(input_shape=(4, 5)), dense(8, "relu"), dense(CLASSES, "softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    images = X.view(44, 4, 5)
    found = trained(make, images)
    assert all(ways)
    assert_equal(found, through_engine(monkeypatch, make, images))


def test_doubles_and_whole_numbers(ways: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(model: Sequential) -> None:
        model.double()

    whole = (X * 10).to(torch.uint8)
    for prepare in (doubled, None):
        found = trained(plain, whole, prepare=prepare)
        assert_equal(found, through_engine(monkeypatch, plain, whole, prepare=prepare))
    assert all(ways)


# --- what is not written out -------------------------------------------------------------------


class Louder(layers.Dense):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Focal(losses.SparseCategoricalCrossentropy):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return 2 * super().call(y_true, y_pred)


class Remembering(optimizers.SGD):
    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        self.seen = grads
        super()._update(params, grads, *slots)


class Own(Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2)


_shared = dense(FEATURES, "relu")


def rule_of_training(model: Model) -> ChainRule | None:
    judge = LossAndMetrics(model, model.compiled)
    return chain_rule_of(model, model.compiled.optimizer, judge.only_loss, judge.on_logits)


def test_there_is_one_for_plain_layers() -> None:
    assert rule_of_training(plain()) is not None


@pytest.mark.parametrize(
    "model",
    [
        compiled(Louder(8, "relu"), dense(CLASSES, "softmax")),
        compiled(dense(8, "gelu"), dense(CLASSES, "softmax")),
        compiled(dense(8, torch.sin), dense(CLASSES, "softmax")),
        compiled(dense(8, Unhashable()), dense(CLASSES, "softmax")),
        compiled(nn.Linear(FEATURES, 8), dense(CLASSES, "softmax")),
        compiled(dense(8), layers.BatchNormalization(), dense(CLASSES, "softmax")),
        compiled(dense(8), layers.Dropout(0.5, seed=1), dense(CLASSES, "softmax")),
        compiled(dense(8, kernel_regularizer="l2"), dense(CLASSES, "softmax")),
        compiled(_shared, _shared, dense(CLASSES, "softmax")),
        compiled(dense(CLASSES, "softmax"), loss=Focal()),
        compiled(dense(CLASSES, "softmax"), loss=nn.MSELoss()),
        compiled(dense(CLASSES, "softmax"), loss="mae"),
        compiled(dense(CLASSES, "relu"), loss="sparse_categorical_crossentropy"),
        compiled(
            dense(1, "sigmoid"), loss=losses.BinaryCrossentropy(label_smoothing=0.1), metrics=[]
        ),
        compiled(dense(1), loss=losses.MeanSquaredError(reduction="sum"), metrics=[]),
        compiled(dense(CLASSES, "softmax"), optimizer=Remembering(0.1)),
        compiled(layers.Flatten()),
    ],
)
def test_there_is_none_for(model: Sequential) -> None:
    assert rule_of_training(model) is None


def test_a_model_of_its_own_kind_has_none() -> None:
    model = Own([dense(CLASSES, "softmax", input_dim=FEATURES)])
    model.compile("adam", "sparse_categorical_crossentropy")
    assert rule_of_training(model) is None
    wrapped = Model(nn.Linear(FEATURES, CLASSES))
    wrapped.compile("adam", nn.CrossEntropyLoss())
    assert rule_of_training(wrapped) is None


def test_sparse_inputs_are_the_engines(ways: list[bool]) -> None:
    plain().train_on_batch(X.to_sparse(), LABELS)
    assert ways == [False]


def test_sequences_go_through_the_engine(ways: list[bool]) -> None:
    torch.manual_seed(1)
    model = Sequential([dense(8, "relu", input_shape=(4, 5)), dense(1)])
    model.compile("adam", "mse")
    model.fit(X.view(44, 4, 5), torch.zeros(44, 4, 1), batch_size=11, verbose=0)
    assert ways == [False] * 4


# --- what may go wrong -----------------------------------------------------------------------


def test_errors_are_those_of_the_long_way() -> None:
    model = plain()
    with pytest.raises(DataError, match="y has classes from 0 to 7"):
        model.fit(X, LABELS.clone().index_fill_(0, torch.tensor(0), 7), verbose=0)
    with pytest.raises(ShapeError):
        model.fit(X, ONE_HOT, verbose=0)
    before = model.get_weights()
    with pytest.raises(ShapeError, match="expected inputs whose last axis is 20"):
        model.train_on_batch(X[:, :3], LABELS)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_gradients_are_written_where_those_before_were(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[list[int]] = []
    original = optimizers.Adam._update

    def noted(self: Any, params: Any, grads: list[Tensor], *slots: Any) -> None:
        places.append([grad.data_ptr() for grad in grads if grad.ndim == 2])
        original(self, params, grads, *slots)

    monkeypatch.setattr(optimizers.Adam, "_update", noted)
    trained(plain)
    assert places == places[:1] * 10


def test_a_weight_that_is_replaced_is_not_taken_for_the_old_one(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(model: Any) -> None:
        torch.manual_seed(3)
        model.layers[0].kernel = nn.Parameter(torch.randn(FEATURES, 24))

    found = trained(plain, callbacks=[when(1, replace)])
    assert ways == [True] * 2 + [False] * 8
    assert_equal(found, through_engine(monkeypatch, plain, callbacks=[when(1, replace)]))


def test_a_weight_whose_numbers_are_of_another_type_from_now_on(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def double(model: Any) -> None:
        model.double()

    def make() -> Sequential:
        stack = dense(24, "relu"), dense(CLASSES, "softmax")
        return compiled(*stack, optimizer=optimizers.SGD(0.1))

    found = trained(make, callbacks=[when(1, double)])
    assert_equal(found, through_engine(monkeypatch, make, callbacks=[when(1, double)]))
