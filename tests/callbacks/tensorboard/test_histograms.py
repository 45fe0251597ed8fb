"""TensorBoard's histograms of weights, activations and gradients, and weights as images."""

import io
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import histograms, read, train

from onfit.callbacks.tensorboard import TensorBoard
from onfit.callbacks.tensorboard.images import as_images, png
from onfit.core.validation import ValidationArrays
from onfit.errors import CapabilityError, NotReadyError, OnfitWarning


@pytest.fixture
def logs(tmp_path):
    return str(tmp_path / "logs")


class Model(SimpleNamespace):
    """Has one weight, two layers and a gradient, and notes what it is asked."""

    def __init__(self, **weights):
        super().__init__(asked=[])
        self.weights = weights or {"kernel": np.arange(4.0)}

    def named_weights(self):
        return self.weights.items()

    def named_activations(self, x, names=None):
        self.asked.append(x)
        return [("dense", [x * 2]), ("lstm", [x, x - 1])]

    def named_gradients(self, x, y, sample_weight=None):
        self.asked.append((x, y, sample_weight))
        return [("kernel", x * y)]


def with_weights(**weights):
    return SimpleNamespace(named_weights=weights.items)


# --- weights -------------------------------------------------------------------------------


def test_weights_are_counted_every_so_many_epochs(logs):
    model = with_weights(kernel=np.array([[0.0, 1.0], [2.0, 3.0]]), bias=np.zeros(3))
    train(TensorBoard(logs, histogram_freq=2), [{}] * 4, model)
    events = read(f"{logs}/train")
    assert events.Tags()["histograms"] == ["kernel", "bias"]
    assert [event.step for event in events.Histograms("kernel")] == [0, 2]
    kernel = events.Histograms("kernel")[0].histogram_value
    assert (kernel.min, kernel.max, kernel.num) == (0.0, 3.0, 4)
    assert (kernel.sum, kernel.sum_squares) == (6.0, 14.0)
    assert kernel.bucket_limit[-1] == 3.0
    assert len(kernel.bucket) == len(kernel.bucket_limit) == 30
    assert [at for at, count in enumerate(kernel.bucket) if count] == [0, 10, 20, 29]
    assert sum(events.Histograms("bias")[0].histogram_value.bucket) == 3


def test_numbers_that_are_not_finite_are_not_counted(logs):
    model = with_weights(some=np.array([1.0, np.nan, np.inf, 2.0]), none=np.array([np.nan]))
    train(TensorBoard(logs, histogram_freq=1), [{}], model)
    assert histograms(f"{logs}/train") == {"some": [(0, 1.0, 2.0, 2)]}


def test_a_tensor_that_is_trained_or_of_half_precision_is_counted(logs):
    import torch

    ones = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    train(TensorBoard(logs, histogram_freq=1), [{}], with_weights(half=ones))
    assert histograms(f"{logs}/train") == {"half": [(0, 1.0, 1.0, 3)]}


def test_without_histogram_freq_nothing_is_asked_for(logs):
    model = Model()
    model.named_weights = None
    train(TensorBoard(logs), [{"loss": 1.0}], model, validation_data=[np.ones(2), np.ones(2)])
    assert model.asked == []


def test_histograms_of_a_model_without_weights_are_an_error_before_training(logs):
    with pytest.raises(
        CapabilityError, match=r"TensorBoard\(histogram_freq=1\) needs named_weights"
    ):
        train(TensorBoard(logs, histogram_freq=1), [])


# --- activations ---------------------------------------------------------------------------


def test_what_layers_put_out_for_the_first_validation_samples_is_counted(logs):
    x = np.arange(10.0)
    board = TensorBoard(logs, histogram_freq=2, batch_size=3)
    train(board, [{}] * 3, Model(), validation_data=[x, x])
    assert histograms(f"{logs}/train") == {
        "kernel": [(0, 0.0, 3.0, 4), (2, 0.0, 3.0, 4)],
        "dense_out": [(0, 0.0, 4.0, 3), (2, 0.0, 4.0, 3)],
        "lstm_out_0": [(0, 0.0, 2.0, 3), (2, 0.0, 2.0, 3)],
        "lstm_out_1": [(0, -1.0, 1.0, 3), (2, -1.0, 1.0, 3)],
    }


def test_without_a_batch_size_all_samples_are_taken(logs):
    x, model = np.arange(100.0), Model()
    board = TensorBoard(logs, histogram_freq=1, batch_size=None)
    train(board, [{}], model, validation_data=[x, x])
    assert len(model.asked[0]) == 100


def test_several_inputs_are_cut_each(logs):
    asked = []
    model = Model()
    model.named_activations = lambda x: asked.append(x) or []
    data = ValidationArrays((np.arange(5), np.arange(5) + 1), np.arange(5))
    train(TensorBoard(logs, 1, 2), [{}], model, validation_data=data)
    ((first, second),) = asked
    assert (first.tolist(), second.tolist()) == ([0, 1], [1, 2])


def test_without_validation_arrays_a_warning_says_once_what_is_left_out(logs):
    board = TensorBoard(logs, histogram_freq=1)
    with pytest.warns(OnfitWarning, match=r"histograms <layer>_out are left out") as caught:
        train(board, [{}] * 3, Model())
    assert len(caught) == 1
    assert "validation_data=(x, y)" in str(caught[0].message)
    assert [step for step, *_ in histograms(f"{logs}/train")["kernel"]] == [0, 1, 2]


def test_the_warning_names_gradients_too(logs):
    board = TensorBoard(logs, histogram_freq=1, write_grads=True)
    with pytest.warns(OnfitWarning, match="<layer>_out and <weight>_grad are left out"):
        train(board, [{}], Model())


def test_a_model_that_cannot_tell_activations_is_not_warned_of(logs):
    model = with_weights(kernel=np.ones(2))
    train(TensorBoard(logs, histogram_freq=1), [{}], model)
    train(TensorBoard(logs, histogram_freq=1), [{}], model, validation_data=[np.ones(1)])
    assert list(histograms(f"{logs}/train")) == ["kernel"]


# --- gradients -----------------------------------------------------------------------------


def test_gradients_of_the_first_validation_samples_are_counted(logs):
    x, y, weight = np.arange(6.0), np.full(6, 3.0), np.ones(6)
    model = Model()
    board = TensorBoard(logs, 2, batch_size=4, write_grads=True)
    train(board, [{}] * 3, model, validation_data=[x, y, weight])
    grads = histograms(f"{logs}/train")["kernel_grad"]
    assert grads == [(0, 0.0, 9.0, 4), (2, 0.0, 9.0, 4)]
    assert [len(part) for part in model.asked[1]] == [4, 4, 4]


def test_gradients_are_written_only_when_asked_for(logs):
    train(TensorBoard(logs, 1), [{}], Model(), validation_data=[np.ones(2), np.ones(2)])
    assert "kernel_grad" not in histograms(f"{logs}/train")


def test_gradients_of_a_model_that_has_none_are_an_error_before_training(logs):
    with pytest.raises(CapabilityError, match=r"\(write_grads=True\) needs named_gradients"):
        train(TensorBoard(logs, 1, write_grads=True), [], with_weights())


def test_where_the_model_does_not_know_the_loss_gradients_are_left_out_with_a_word(logs):
    def named_gradients(x, y, sample_weight):
        raise NotReadyError("compiled without a loss")

    model = Model()
    model.named_gradients = named_gradients
    board = TensorBoard(logs, 1, write_grads=True)
    with pytest.warns(OnfitWarning, match="gradients are left out: compiled without") as caught:
        train(board, [{}] * 2, model, validation_data=[np.ones(2), np.ones(2)])
    assert len(caught) == 1
    assert len(histograms(f"{logs}/train")["dense_out"]) == 2


# --- images --------------------------------------------------------------------------------


def pixels_of(image):
    from PIL import Image

    return np.array(Image.open(io.BytesIO(image))).tolist()


def images(folder, tag):
    """Width and height as TensorBoard reads them, and the pixels of each image."""
    event = read(folder).Tensors(tag)[-1]
    width, height, *pngs = event.tensor_proto.string_val
    return int(width), int(height), [pixels_of(image) for image in pngs]


def test_weights_are_written_as_images_beside_their_histograms(logs):
    model = Model(kernel=np.array([[0.0, 1.0, 2.0], [4.0, 3.0, 2.0]]), bias=np.array([0.0, 1.0]))
    with warnings.catch_warnings(action="ignore"):
        train(TensorBoard(logs, 2, write_images=True), [{}] * 3, model)
    events = read(f"{logs}/train")
    assert events.Tags()["tensors"] == ["kernel/image", "bias/image"]
    assert [event.step for event in events.Tensors("kernel/image")] == [0, 2]
    plugin = events.SummaryMetadata("kernel/image").plugin_data.plugin_name
    assert plugin == "images"
    # Black is 0, white the largest.
    kernel = [[0, 64, 128], [255, 191, 128]]
    assert images(f"{logs}/train", "kernel/image") == (3, 2, [kernel])
    assert images(f"{logs}/train", "bias/image") == (1, 2, [[[0], [255]]])


def test_no_images_are_written_unless_asked_for(logs):
    train(TensorBoard(logs, 1), [{}], with_weights(kernel=np.ones((2, 2))))
    assert read(f"{logs}/train").Tags()["tensors"] == []


@pytest.mark.parametrize(
    ("name", "shape", "count", "size"),
    [
        ("dense.kernel", (2, 5), 1, (2, 5)),
        ("dense.kernel", (5, 2), 1, (2, 5)),  # lies rather than stands
        ("bias", (4,), 1, (4, 1)),
        ("scalar", (), 1, (1, 1)),
        ("embeddings", (4, 1), 1, (4, 1)),
        ("conv.kernel", (5, 3, 2), 2, (5, 3)),  # Keras: steps, in, out
        ("conv.weight", (2, 3, 5), 2, (3, 5)),  # torch: out, in, steps
        ("conv.kernel", (3, 4, 2, 6), 12, (3, 4)),
        ("conv.depthwise_kernel", (3, 4, 6, 1), 6, (3, 4)),
        ("conv.weight", (6, 2, 3, 4), 12, (3, 4)),
        ("conv.kernel", (1, 1, 8, 4), 1, (4, 8)),
        ("conv.weight", (2, 2, 3, 3, 3), 0, None),
        ("empty", (0, 3), 0, None),
        ("conv.weight", (64, 3, 5, 5), 16, (5, 5)),  # no more of them
        ("embeddings", (3000, 2), 1, (2, 1024)),  # and none larger
    ],
)
def test_each_shape_of_weight_has_its_images(name, shape, count, size):
    made = as_images(name, np.ones(shape))
    assert len(made) == count
    assert all(image.shape == size for image in made)


@pytest.mark.parametrize("name", ["conv.kernel", "conv.weight"])
def test_kernels_are_cut_out_whole(name):
    kernels = np.zeros((2, 2, 2, 2))  # in, out, rows, columns
    kernels[1, 0] = [[1, 0], [0, 0.2]]
    weight = kernels.transpose(2, 3, 0, 1) if name == "conv.kernel" else kernels
    assert as_images(name, weight)[2].tolist() == [[255, 0], [0, 51]]


def test_zero_is_grey_where_there_are_negative_numbers():
    (image,) = as_images("w", np.array([[-1.0, 0.0, 0.5], [-0.5, 0.0, 0.0]]))
    assert image.tolist() == [[0, 128, 191], [64, 128, 128]]


def test_numbers_that_are_not_finite_look_like_zero():
    (image,) = as_images("w", np.array([[np.nan, np.inf], [-np.inf, 2.0]]))
    assert image.tolist() == [[0, 0], [0, 255]]


def test_nothing_but_zeros_is_black():
    (image,) = as_images("w", np.zeros((2, 2)))
    assert image.tolist() == [[0, 0], [0, 0]]


def test_a_png_is_read_by_others():
    drawn = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert pixels_of(png(drawn)) == drawn.tolist()
