"""Training, measuring and predicting in half types."""

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Model, Sequential, mixed_precision
from onfit import layers as L
from onfit.callbacks import Callback, EarlyStopping, LambdaCallback, TerminateOnNaN
from onfit.errors import ArgumentError
from onfit.models import clone_model, load_model
from onfit.optimizers import SGD, Adam, LossScaleOptimizer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")
MIXED = pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])


@pytest.fixture
def chosen(policy):
    mixed_precision.set_global_policy(policy)
    yield policy
    mixed_precision.set_global_policy(None)


def stack(**last):
    torch.manual_seed(0)
    layers = [L.Dense(16, activation="relu", input_shape=(6,)), L.BatchNormalization()]
    return Sequential([*layers, L.Dense(1, activation="sigmoid", **last)])


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())


def types_seen(model, **given):
    """The types of what each layer or module puts out in a step."""
    seen = []
    kinds = (L.Dense, nn.Linear)
    for part in model.modules():
        if isinstance(part, kinds):
            part.register_forward_hook(lambda _, args, out: seen.append(out.dtype))
    model.compile("sgd", "mse", **given)
    model.train_on_batch(X, Y[:, None])
    return seen


@MIXED
@pytest.mark.parametrize("make", [stack, lambda: Model(net())], ids=["stack", "net"])
def test_one_model_computes_in_halves_if_compile_says_so(policy, make):
    half = getattr(torch, policy.removeprefix("mixed_"))
    model = make()
    assert half in types_seen(model, mixed_precision=policy)
    assert model.dtype_policy.name == policy
    assert half in types_seen(model, mixed_precision=mixed_precision.DTypePolicy(policy))
    assert types_seen(model)[-2:] == [torch.float32] * 2  # compiled anew, without it


@MIXED
def test_compile_can_switch_a_policy_off(chosen):
    assert torch.float32 not in types_seen(Model(net()))
    assert set(types_seen(Model(net()), mixed_precision="float32")) == {torch.float32}


@pytest.mark.parametrize("asked", ["bfloat16", "float16", "mixed_float8", torch.float64, 16, True])
def test_compile_refuses_what_is_no_mixed_precision(asked):
    with pytest.raises(ArgumentError, match="mixed_precision="):
        Model(net()).compile("sgd", "mse", mixed_precision=asked)


@MIXED
@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse"])
def test_a_training_in_halves_comes_near_to_one_in_floats(policy, loss):
    found = []
    for given in ({}, {"mixed_precision": policy}):
        model = stack()
        model.compile(Adam(0.01), loss, ["acc", "AUC"], **given)
        history = model.fit(X, Y, 16, 5, verbose=0, shuffle=False, validation_split=0.25).history
        assert model.evaluate(X, Y, verbose=0, return_dict=True)["loss"] < history["loss"][0]
        found.append(history)
    assert found[0].keys() == found[1].keys()
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=0.05, atol=0.01)


@MIXED
def test_losses_and_logs_are_not_rounded_to_halves(chosen):
    seen = []
    judge = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    model = stack()
    model.compile("sgd", "mse")
    model.fit(X, Y[:, None], 8, 2, verbose=0, callbacks=[judge])
    half = getattr(torch, chosen.removeprefix("mixed_"))
    rounded = torch.tensor(seen).to(half).float()
    assert not torch.equal(rounded, torch.tensor(seen))


@MIXED
def test_predictions_are_halves_unless_the_last_layer_is_not(chosen):
    assert stack().predict(X, verbose=0).dtype.name in ("float16", "float32")
    assert stack()(torch.ones(2, 6)).dtype == getattr(torch, chosen.removeprefix("mixed_"))
    assert stack(dtype="float32")(torch.ones(2, 6)).dtype == torch.float32


@MIXED
def test_a_float32_head_still_gets_its_loss_from_logits(chosen):
    model = stack(dtype="float32")
    model.compile("sgd", "binary_crossentropy")
    with torch.no_grad():
        model.layers[-1].kernel.mul_(500)
    loss = model.evaluate(X, 1 - Y, verbose=0)
    assert loss > -np.log(1e-7)  # from probabilities it would end here


@MIXED
def test_nets_with_autocast_of_their_own_have_their_loss_in_float32(policy):
    half = getattr(torch, policy.removeprefix("mixed_"))

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(6, 1)

        def forward(self, x):
            with torch.autocast("cpu", half):
                return self.inner(x)

    kinds = []

    def loss(y_true, y_pred):
        kinds.append(y_pred.dtype)
        return (y_true - y_pred).square().mean()

    model = Model(Own())
    model.compile("sgd", loss)
    model.fit(X, Y[:, None], verbose=0)
    model.evaluate(X, Y[:, None], verbose=0)
    assert set(kinds) == {torch.float32}


@MIXED
def test_several_outputs_are_judged_in_float32(chosen):
    begin = Input((6,))
    hidden = L.Dense(4)(begin)
    model = Model(begin, {"a": L.Dense(1)(hidden), "b": L.Dense(3, activation="softmax")(hidden)})
    model.compile("sgd", {"a": "mse", "b": "sparse_categorical_crossentropy"}, {"b": "acc"})
    y = {"a": Y[:, None], "b": RNG.integers(0, 3, 64)}
    history = model.fit(X, y, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert {out.dtype.name for out in model.predict(X, verbose=0).values()} <= {
        "float16",
        "float32",
    }


@MIXED
def test_a_step_of_the_authors_own_trains_in_halves(chosen):
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            y_pred = self(x)
            assert y_pred.dtype == getattr(torch, chosen.removeprefix("mixed_"))
            loss = self.compute_loss(y=y, y_pred=y_pred)
            assert loss.dtype == torch.float32
            scaled = self.optimizer.scale_loss(loss)
            self.optimizer.apply(torch.autograd.grad(scaled, self.trainable_weights))
            return {"loss": loss, **self.compute_metrics(y=y, y_pred=y_pred)}

    model = Own()
    model.compile("sgd", "mse", ["mae"])
    history = model.fit(X, Y[:, None], epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


# --- float16: the scale of the loss --------------------------------------------------------


def test_gradients_that_overflow_skip_a_step_and_no_callback_sees_nan():
    model = stack()
    model.compile(LossScaleOptimizer(SGD(0.1), 2.0**100), "mse", mixed_precision="mixed_float16")
    seen = []

    class Look(Callback):
        def on_batch_end(self, batch, logs):
            optimizer = self.model.optimizer
            seen.append((float(optimizer.dynamic_scale), int(optimizer.iterations)))

    history = model.fit(X, Y[:, None], 8, 20, 0, [Look(), TerminateOnNaN()]).history
    assert len(history["loss"]) == 20
    assert np.isfinite(history["loss"]).all()
    assert seen[0] == (2.0**99, 0)
    assert seen[-1][1] > 0


def test_a_loss_that_is_nan_still_ends_the_training():
    model = stack()
    model.compile("sgd", "mse", mixed_precision="mixed_float16")
    targets = Y[:, None].copy()
    targets[40] = np.nan
    history = model.fit(X, targets, 8, 20, 0, [TerminateOnNaN()]).history
    assert len(history["loss"]) == 1


def test_the_scale_is_for_torch_optimizers_too():
    model = Model(net())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.compile(optimizer, "mse", mixed_precision="mixed_float16")
    assert isinstance(model.optimizer, LossScaleOptimizer)
    history = model.fit(X, Y[:, None], 16, 5, 0).history
    assert history["loss"][-1] < history["loss"][0]


@MIXED
@pytest.mark.parametrize(
    "options",
    [
        {"gradient_accumulation_steps": 3},
        {"clipnorm": 0.1},
        {"global_clipnorm": 0.1},
        {"clipvalue": 0.01},
        {"use_ema": True, "ema_momentum": 0.5},
        {"weight_decay": 0.01},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_of_optimizers_see_gradients_without_the_scale(policy, options):
    weights = []
    for given in ({}, {"mixed_precision": policy}):
        model = stack()
        model.compile(SGD(0.05, **options), "mse", **given)
        model.fit(X, Y[:, None], 16, 3, 0, shuffle=False)
        weights.append(model.get_weights())
    for exact, half in zip(*weights, strict=True):
        np.testing.assert_allclose(half, exact, rtol=0.05, atol=0.02)


@MIXED
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_keeps_the_precision_of_compile(policy, suffix, tmp_path):
    model = stack()
    model.compile("adam", "mse", mixed_precision=policy)
    model.fit(X, Y[:, None], verbose=0)
    path = tmp_path / f"m{suffix}"
    model.save(path)
    opened = load_model(path)
    assert opened.dtype_policy.name == policy
    assert type(opened.optimizer) is type(model.optimizer)
    np.testing.assert_array_equal(opened.predict(X, verbose=0), model.predict(X, verbose=0))


class Mine(L.Layer):
    """A layer of a user's that knows nothing of types."""

    def __init__(self, units, name=None):
        super().__init__(name=name)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units))

    def call(self, x):
        return x @ self.kernel

    def get_config(self):
        return {"units": self.units, "name": self.name}


@MIXED
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_keep_the_types_of_layers_that_know_nothing_of_them(chosen, suffix, tmp_path):
    model = Sequential([L.Dense(4, input_shape=(6,)), Mine(2), L.Dense(1, dtype="float32")])
    mixed_precision.set_global_policy(None)
    path = tmp_path / f"m{suffix}"
    model.save(path)
    opened = load_model(path, custom_objects={"Mine": Mine})
    assert [each.dtype_policy.name for each in opened.layers] == [chosen, chosen, "float32"]
    np.testing.assert_array_equal(opened.predict(X, verbose=0), model.predict(X, verbose=0))


@MIXED
def test_a_clone_has_the_types_of_its_model(chosen):
    model = Sequential([L.Dense(4, input_shape=(6,)), Mine(2), L.Dense(1, dtype="float32")])
    mixed_precision.set_global_policy(None)
    plain = stack()
    mixed_precision.set_global_policy(chosen)
    for each in (model, plain):
        twin = clone_model(each)
        assert twin.dtype_policy == each.dtype_policy
        assert [one.dtype_policy for one in twin.layers] == [
            one.dtype_policy for one in each.layers
        ]


@MIXED
def test_a_file_of_floats_is_read_as_it_is_whatever_is_chosen(chosen, tmp_path):
    mixed_precision.set_global_policy(None)
    stack().save(tmp_path / "m.keras")
    mixed_precision.set_global_policy(chosen)
    opened = load_model(tmp_path / "m.keras")
    assert {each.dtype_policy.name for each in (opened, *opened.layers)} == {"float32"}
    assert opened(torch.ones(2, 6)).dtype == torch.float32


def test_a_policy_set_in_mid_training_acts_from_the_next_batch():
    model = Sequential([L.Dense(4, input_shape=(6,)), L.Dense(1)])
    model.compile("sgd", "mse")
    seen = []

    class Switch(Callback):
        def on_batch_end(self, batch, logs):
            seen.append(self.run.batch.outputs.dtype)
            if batch == 1:
                model.layers[0].dtype_policy = "mixed_bfloat16"
                model.layers[0].register_forward_hook(lambda _, a, out: seen.append(out.dtype))

    model.fit(X, Y[:, None], 16, 1, 0, [Switch()])
    assert torch.bfloat16 in seen


@MIXED
def test_early_stopping_restores_float32_weights(chosen):
    model = stack()
    model.compile("sgd", "mse")
    model.fit(X, Y[:, None], 16, 4, 0, [EarlyStopping("loss", 1, 1, restore_best_weights=True)])
    assert {weight.dtype for weight in model.weights} == {torch.float32}
