"""JAX: a pytree of any leaves, which callbacks take, put back, save and go on from."""

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from tests.golden.golden import EPOCHS, VAL_LOSS, Golden, batches, same

from onfit import Run
from onfit.callbacks import BackupAndRestore, EarlyStopping, ModelCheckpoint
from onfit.errors import ArgumentError, ArgumentTypeError, CapabilityError, FileFormatError
from onfit.integrations.jax import JaxModel


class Loop:
    """A loop that draws noise from a key in its state."""

    def __init__(self, **more):
        self.state = {"w": jnp.zeros((3, 1)), "key": jax.random.key(0), "steps": 0, **more}
        self.model = JaxModel(lambda: self.state, self.take)

    def take(self, state):
        self.state = state

    def step(self, x, y):
        key, own = jax.random.split(self.state["key"])
        noisy = x + 0.1 * jax.random.normal(own, x.shape)
        loss, slope = jax.value_and_grad(lambda w: ((noisy @ w - y) ** 2).mean())(self.state["w"])
        w = self.state["w"] - self.model.learning_rate * slope
        self.state = {**self.state, "w": w, "key": key, "steps": self.state["steps"] + 1}
        return loss

    def train(self, callbacks, epochs=EPOCHS, at_epoch=lambda epoch: None):
        data = [(jnp.asarray(x.numpy()), jnp.asarray(y.numpy())) for x, y in batches()]
        with Run(self.model, callbacks, epochs=epochs) as run:
            for epoch in run.epochs():
                for x, y in run.batches(data):
                    run.log(loss=self.step(x, y))
                at_epoch(epoch)
                run.validated(loss=VAL_LOSS[epoch])
        return self.model.get_weights()


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_the_recorded_sequence(tmp_path, suffix):
    golden, loop = Golden(tmp_path, suffix), Loop()
    golden.check(loop.train(golden.callbacks))
    assert loop.state["steps"] == 10
    best = Loop()
    best.model.load_weights(tmp_path / f"models/5{suffix}")
    assert same(best.model.get_weights(), loop.model.get_weights())


def test_a_training_that_failed_goes_on_as_if_it_had_not(tmp_path):
    def fail(epoch):
        if epoch == 4:
            raise RuntimeError("power cut")

    whole = Golden(tmp_path / "whole", ".npz")
    expected = Loop().train([*whole.callbacks, BackupAndRestore(tmp_path / "backup")])
    parts = [Golden(tmp_path / "parts", ".npz") for _ in "ab"]
    with pytest.raises(RuntimeError, match="power cut"):
        Loop().train([*parts[0].callbacks, BackupAndRestore(tmp_path / "backup")], at_epoch=fail)
    loop = Loop()
    weights = loop.train([*parts[1].callbacks, BackupAndRestore(tmp_path / "backup")])
    assert same(weights, expected)
    assert loop.model.learning_rate == 0.025
    parts[1].check_files()
    assert (tmp_path / "parts/log.csv").read_bytes() == (tmp_path / "whole/log.csv").read_bytes()


ODD = {
    "typed key": jax.random.key(3),
    "key": jax.random.PRNGKey(3),
    "half": jnp.full((2, 3), 1.5, jnp.bfloat16),
    "eighth": jnp.ones(3, jnp.float8_e4m3fn),
    "scalar": jnp.ones((), jnp.bfloat16),
    "weak": jnp.asarray(0.1),
    "none of them": jnp.zeros((0, 3)),
    "complex": jnp.ones(2, jnp.complex64),
    "numpy": np.arange(3),
    "python": (3, 2.5, True, None),
    "function": jax.nn.relu,
    "text": "relu",
}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_every_leaf_comes_back_as_it_was(tmp_path, suffix):
    loop = Loop(**ODD)
    loop.model.save(tmp_path / f"a{suffix}")
    loop.model.set_weights([np.zeros_like(one) for one in loop.model.get_weights()])
    assert loop.state["python"] == (0, 0.0, False, None)
    loop.model.load_weights(tmp_path / f"a{suffix}")
    for before, after in zip(*map(jax.tree.leaves, (ODD, odd_of(loop))), strict=True):
        assert type(before) is type(after)
        if isinstance(before, jax.Array):
            assert (before.aval, before.sharding) == (after.aval, after.sharding)
        assert str(before) == str(after)


def odd_of(loop):
    return {name: loop.state[name] for name in ODD}


def test_a_copy_is_no_view_of_memory_that_a_step_may_reuse():
    loop = Loop()
    (before,) = [one for one in loop.model.get_weights() if one.shape == (3, 1)]
    assert before.flags.owndata or before.base.flags.owndata
    add = jax.jit(lambda w: w + 1, donate_argnums=0)
    loop.state["w"] = add(loop.state["w"])
    assert not before.any()


def test_functions_of_an_equinox_module_stay():
    net = equinox.nn.MLP(3, 1, 4, 1, key=jax.random.key(0))
    held = [net]
    model = JaxModel(lambda: held[0], lambda tree: held.__setitem__(0, tree))
    weights = model.get_weights()
    held[0] = jax.tree.map(lambda leaf: leaf * 0 if equinox.is_array(leaf) else leaf, net)
    model.set_weights(weights)
    x = jnp.ones(3)
    assert held[0](x) == net(x)


def test_a_flax_module_and_its_optimizer_are_restored_in_place():
    net = nnx.Linear(3, 1, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(net, optax.adam(0.1), wrt=nnx.Param)
    both = (net, optimizer)
    model = JaxModel(lambda: nnx.state(both), lambda state: nnx.update(both, state))
    before = model.get_weights()
    optimizer.update(net, nnx.grad(lambda net: net(jnp.ones((1, 3))).sum())(net))
    assert not same(model.get_weights(), before)
    model.set_weights(before)
    assert same(model.get_weights(), before)


def test_a_file_of_another_model_is_refused_and_nothing_is_changed(tmp_path):
    Loop(more=jnp.ones(2)).model.save("other.npz")
    loop = Loop()
    with pytest.raises(FileFormatError, match=r"it has: +\['more'\] float32\[2\]"):
        loop.model.load_weights("other.npz")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:-30])
    with pytest.raises(FileFormatError, match=r"'torn.npz' is no whole \.npz file"):
        loop.model.load_weights("torn.npz")
    np.savez("pickled.npz", w=np.array([print], object))
    with pytest.raises(FileFormatError, match="no whole"):
        loop.model.load_weights("pickled.npz")
    assert not loop.state["w"].any()


def test_a_name_without_a_format_is_refused_before_training():
    with pytest.raises(ArgumentError, match=r"'a\.h5': .* saved as \.npz or \.safetensors"):
        Loop().train(ModelCheckpoint("a.h5"))


def test_numbers_that_safetensors_has_not_are_named_before_training():
    with pytest.raises(ArgumentError, match=r"\['wide'\] is of complex128, .* Save as \.npz"):
        Loop(wide=np.ones(2, complex)).train(ModelCheckpoint("a.safetensors"))


def test_what_is_no_function_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"JaxModel\(get=\.\.\.\) is a function; got dict"):
        JaxModel({}, print)


def test_a_tree_that_is_handed_over_itself_is_refused_with_what_to_write():
    with pytest.raises(ArgumentTypeError, match=r"dict takes no attributes.* hand over .*JaxModel"):
        Run({"w": jnp.ones(1)}, EarlyStopping())
    with pytest.raises(ArgumentTypeError, match=r"MLP takes no attributes.* hand over .*JaxModel"):
        Run(equinox.nn.MLP(1, 1, 1, 1, key=jax.random.key(0)), EarlyStopping())
    net = nnx.Linear(3, 1, rngs=nnx.Rngs(0))
    with pytest.raises(CapabilityError, match=r"Linear lacks get_weights .* hand over .*JaxModel"):
        Run(net, EarlyStopping(restore_best_weights=True)).train_begin()


def test_a_stop_shows_on_the_model():
    loop = Loop()
    stopping = EarlyStopping("val_loss", patience=1)
    loop.train(stopping)
    assert loop.model.stop_training
    assert stopping.stopped_epoch == 2


def compiled(die_at=None, callbacks=()):
    """A training whose counter is a Python number before its first step, and an array after it."""
    held = {"tree": {"w": jnp.zeros(2), "step": 0}}
    step = jax.jit(lambda tree: {"w": tree["w"] + 1, "step": tree["step"] + 1})
    model = JaxModel(lambda: held["tree"], lambda tree: held.update(tree=tree))
    with Run(model, callbacks, epochs=4, params={"verbose": 0}) as run:
        for epoch in run.epochs():
            if epoch == die_at:
                raise RuntimeError("power cut")
            for _ in run.batches([[1]]):
                held["tree"] = step(held["tree"])
                run.log(loss=1 / (epoch + 1))
    return held["tree"]


def test_a_number_that_a_compiled_step_makes_an_array_is_gone_on_with(tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        compiled(2, [BackupAndRestore(tmp_path)])
    found = compiled(callbacks=[BackupAndRestore(tmp_path)])
    assert found["w"].tolist() == [4, 4]
    assert found["step"] == 4


def test_what_was_a_number_when_it_was_kept_is_put_back_where_an_array_is_now():
    held = {"tree": {"step": 0}}
    model = JaxModel(lambda: held["tree"], lambda tree: held.update(tree=tree))
    before = model.state_for_resume()
    held["tree"] = {"step": jnp.int32(7)}
    model.load_state_for_resume(before)
    assert held["tree"]["step"] == 0
    assert held["tree"]["step"].dtype == jnp.int32


def test_a_tree_that_is_not_kept_is_an_error():
    state = {"w": jnp.zeros(2)}
    model = JaxModel(lambda: state, lambda tree: None)
    weights = model.get_weights()
    model.set_weights(weights)
    with pytest.raises(ArgumentError, match=r"get\(\) gives another \['w'\] after it.*`global`"):
        model.set_weights([weights[0] + 1])


@pytest.mark.parametrize("tree", [None, {}, {"act": jax.nn.relu}])
def test_a_tree_without_arrays_is_an_error(tree):
    model = JaxModel(lambda: tree, lambda tree: None)
    with pytest.raises(ArgumentError, match="in which there is no array"):
        model.get_weights()


@pytest.mark.parametrize("rate", ["fast", optax.constant_schedule(0.1), None])
def test_a_rate_that_is_no_number_is_an_error(rate):
    with pytest.raises(ArgumentTypeError, match=r"JaxModel\(learning_rate=.*it is a number"):
        JaxModel(dict, dict, learning_rate=rate)


def test_a_number_that_no_array_holds_is_refused_before_training(tmp_path):
    loop = Loop(huge=2**70)
    with pytest.raises(ArgumentError, match=r"\['huge'\] is no number that an array holds"):
        loop.train([ModelCheckpoint(tmp_path / "a.npz")])
