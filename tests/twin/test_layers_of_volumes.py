"""Layers with three axes of space against Keras' own, in the way of `test_layers`."""

import pytest
from tests.twin.keras_twin import Script, tolerant_of_keras
from tests.twin.test_layers import amidst, assert_trained_alike, inputs, sgd

pytestmark = tolerant_of_keras

VOLUME = (3, 3, 4, 4)

# Means with padding are not among them: those of Keras on torch count other voxels than those of
# Keras on jax; see tests/layers/test_pooling.py.
LAYERS: dict[str, tuple[tuple[int, ...], Script]] = {
    "conv3d": (VOLUME, lambda lib: lib.layers.Conv3D(3, (1, 2, 3), activation="tanh")),
    "conv3d same, strides": (
        VOLUME,
        lambda lib: lib.layers.Conv3D(4, 3, strides=(1, 2, 2), padding="same", groups=2),
    ),
    "conv3d channels first": (
        (3, 4, 5, 6),
        lambda lib: lib.layers.Conv3D(3, 2, data_format="channels_first", dilation_rate=2),
    ),
    "conv3d transpose": (VOLUME, lambda lib: lib.layers.Conv3DTranspose(1, (1, 2, 2))),
    "conv3d transpose same, strides": (
        VOLUME,
        lambda lib: lib.layers.Conv3DTranspose(1, (1, 2, 3), strides=(1, 2, 1), padding="same"),
    ),
    "max pooling 3d": (VOLUME, lambda lib: lib.layers.MaxPooling3D((1, 2, 2))),
    "max pooling 3d same": (
        VOLUME,
        lambda lib: lib.layers.MaxPooling3D(3, strides=2, padding="same"),
    ),
    "average pooling 3d": (VOLUME, lambda lib: lib.layers.AveragePooling3D(2)),
    "global average pooling 3d": (
        VOLUME,
        lambda lib: lib.layers.GlobalAveragePooling3D(keepdims=True),
    ),
    "global max pooling 3d": (
        (4, 3, 4, 4),
        lambda lib: lib.layers.GlobalMaxPooling3D(data_format="channels_first"),
    ),
    "zero padding 3d": (VOLUME, lambda lib: lib.layers.ZeroPadding3D(((1, 0), (0, 1), (1, 1)))),
    "cropping 3d": (VOLUME, lambda lib: lib.layers.Cropping3D(((1, 0), (0, 1), (1, 1)))),
    "upsampling 3d": (VOLUME, lambda lib: lib.layers.UpSampling3D((1, 2, 1))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_compute_and_learn_as_keras_do(name: str) -> None:
    shape, layer = LAYERS[name]
    assert_trained_alike(amidst(shape, layer), inputs(shape), sgd)
