"""A file from elsewhere costs no more than its size, and changes all weights or none."""

import json
import os
import pickle
import zipfile
import zlib
from itertools import pairwise

import h5py
import numpy as np
import pytest
import torch
from tests.saving.small import assert_identical, small, trained

from onfit import layers
from onfit.errors import FileFormatError, StorageError
from onfit.metrics import AUC, MeanIoU
from onfit.models import Model, Sequential, load_model

HUGE = 1 << 26


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assert_refused(path, match="", model=None):
    model = model or small(activation="softmax")
    before = model.get_weights()
    with pytest.raises(FileFormatError, match=f"(?s){path}.*{match}"):
        model.load_weights(path)
    assert_identical(model.get_weights(), before)
    if path.endswith((".keras", ".h5")) and not path.endswith(".weights.h5"):
        with pytest.raises(FileFormatError, match=path):
            load_model(path)


# --- links -----------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["external", "soft"])
@pytest.mark.parametrize("part", ["model_weights", "optimizer_weights", "model_weights/dense"])
def test_a_group_that_leads_elsewhere_is_refused(part, link):
    trained().save("secret.h5")
    trained().save("x.h5")
    with h5py.File("x.h5", "a") as file:
        file.move("model_weights", "kept")
        file["model_weights"] = file["kept"]
        del file["kept"], file[part]
        outside = h5py.ExternalLink("secret.h5", f"/{part}")
        file[part] = outside if link == "external" else h5py.SoftLink("/elsewhere")
    assert_refused("x.h5", "leads elsewhere")


def test_the_root_is_not_one_of_its_own_groups():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        file["layers/dense/again"] = file["/"]
    assert_refused("x.weights.h5", "are the same")


def test_groups_that_are_linked_twice_are_walked_once():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        groups = [file.create_group(f"layers/g{index}") for index in range(60)]
        for group, following in pairwise(groups):
            group["a"] = group["b"] = following
    assert_refused("x.weights.h5", "are the same")


def test_groups_may_stand_in_one_another_at_any_depth():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        group = file["layers"]
        for _ in range(1500):
            group = group.create_group("g")
    model = small(activation="softmax")
    model.load_weights("x.weights.h5")


def test_a_weight_is_named_once():
    small(activation="softmax").save_weights("x.h5")
    with h5py.File("x.h5", "a") as file:
        names = file["dense"].attrs["weight_names"]
        file["dense"].attrs["weight_names"] = np.array([names[0]] * 200)
    assert_refused("x.h5", "named twice")


def test_two_names_of_one_weight_are_refused():
    small(activation="softmax").save_weights("x.h5")
    with h5py.File("x.h5", "a") as file:
        group = file["dense/sequential/dense"]
        group["again"] = group["kernel"]
        file["dense"].attrs["weight_names"] = [f"sequential/dense/{n}" for n in ("kernel", "again")]
    assert_refused("x.h5", "are the same")


# --- what a few bytes claim ------------------------------------------------------------------


@pytest.mark.parametrize("way", ["gzip", "never written", "in one large chunk"])
def test_a_weight_that_its_bytes_do_not_explain_is_refused(way):
    small(activation="softmax").save_weights("x.weights.h5")
    ways = {
        "gzip": {"shape": HUGE, "chunks": (1 << 20,), "compression": "gzip"},
        "never written": {"shape": HUGE},
        "in one large chunk": {"shape": (8,), "maxshape": (None,), "chunks": (HUGE,)},
    }
    with h5py.File("x.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars"].create_dataset("1", dtype="float32", **ways[way])
    assert_refused("x.weights.h5", "too large to be true")


def test_a_chunk_that_unpacks_to_more_than_it_is_is_refused():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
        options = {"chunks": (8,), "compression": "gzip"}
        made = file["layers/dense/vars"].create_dataset("1", (8,), "float32", **options)
        made.id.write_direct_chunk((0,), zlib.compress(bytes(HUGE)))
    assert_refused("x.weights.h5", "unpacks to more than it is")


def test_weights_that_are_packed_as_the_format_can_are_read():
    model, other = small(activation="softmax"), small(activation="softmax")
    model.save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        values = file["layers/dense/vars/0"][()]
        del file["layers/dense/vars/0"]
        options = {"compression": "gzip", "shuffle": True, "fletcher32": True}
        file["layers/dense/vars"].create_dataset("0", data=values, **options)
    other.load_weights("x.weights.h5")
    assert_identical(other.get_weights(), model.get_weights())


def test_weights_that_are_packed_by_a_library_of_its_own_are_refused():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        del file["layers/dense/vars/0"]
        data = np.zeros((4, 8), "float32")
        file["layers/dense/vars"].create_dataset("0", data=data, compression="lzf")
    assert_refused("x.weights.h5", "not known here")


def test_layers_are_compared_before_there_is_memory_for_them():
    for name in ("x.keras", "x.h5"):
        Sequential([layers.Dense(3, input_dim=4), layers.Dense(2)]).save(name)
    edit_config(lambda text: text.replace('"units": 3', '"units": 30000000000'))
    for name in ("x.keras", "x.h5"):
        with pytest.raises(FileFormatError, match=f"{name}.*layer 'dense'.*numbers"):
            load_model(name)


def edit_config(change):
    with h5py.File("x.h5", "a") as file:
        file.attrs["model_config"] = change(file.attrs["model_config"])
    with zipfile.ZipFile("x.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = change(members["config.json"].decode()).encode()
    with zipfile.ZipFile("x.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "config",
    [
        '{"class_name": "Sequential", "config": {"layers": [' + "{}," * 6_000_000 + "0]}}",
        '{"class_name": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"class_name": ' + "[" * 300 + "]" * 300 + "}",
    ],
    ids=["long", "deep", "a little too deep"],
)
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_configuration_has_bounds(config, packing):
    with zipfile.ZipFile("x.keras", "w", packing) as archive:
        archive.writestr("config.json", config)
    with pytest.raises(FileFormatError, match=r"x\.keras.*(too large to be true|deeper than)"):
        load_model("x.keras")


@pytest.mark.parametrize("units", ["1" + "0" * 400, "-3", "1e999", "null", '"3"', "[3]", "{}"])
def test_a_number_that_no_layer_takes_is_told(units):
    for name in ("x.keras", "x.h5"):
        Sequential([layers.Dense(3, input_dim=4)]).save(name)
    edit_config(lambda text: text.replace('"units": 3', f'"units": {units}'))
    for name in ("x.keras", "x.h5"):
        with pytest.raises(FileFormatError, match=name):
            load_model(name)


def test_a_thousand_thresholds_are_many_and_a_billion_are_refused():
    model = Sequential([layers.Dense(1, input_dim=4, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[AUC(num_thresholds=1000)])
    for name in ("x.keras", "x.h5"):
        model.save(name)
        load_model(name)
    edit_config(lambda text: text.replace('"num_thresholds": 1000', '"num_thresholds": 1000000000'))
    with pytest.raises(FileFormatError, match="num_thresholds"):
        load_model("x.keras")


def test_a_matrix_of_a_million_classes_is_refused():
    model = Sequential([layers.Dense(3, input_dim=4, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[MeanIoU(num_classes=3)])
    for name in ("x.keras", "x.h5"):
        model.save(name)
        load_model(name)
    edit_config(lambda text: text.replace('"num_classes": 3', '"num_classes": 1000000'))
    with pytest.raises(FileFormatError, match="num_classes=1000000"):
        load_model("x.keras")


# --- state dicts -----------------------------------------------------------------------------


def test_a_state_dict_has_the_numbers_that_it_names():
    torch.save({"weight": torch.zeros(3, 4), "bias": torch.zeros(3)}, "x.pt")
    with zipfile.ZipFile("x.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x/data.pkl"] = members["x/data.pkl"].replace(b"K\x0c", b"J\xff\xff\xff\x0f", 1)
    with zipfile.ZipFile("x.pt", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert_refused("x.pt", "less than", Model(torch.nn.Linear(4, 3)))


class Room:
    def __init__(self, make, size):
        self.make, self.size = make, size

    def __reduce__(self):
        return self.make, (self.size,)


@pytest.mark.parametrize("make", [bytearray, torch.Tensor, torch.UntypedStorage])
@pytest.mark.parametrize("archive", [True, False])
def test_a_state_dict_asks_for_no_memory_by_a_number(make, archive):
    found = {"weight": Room(make, 1 << 40)}
    torch.save(found, "x.pt", _use_new_zipfile_serialization=archive)
    assert_refused("x.pt", "any code", Model(torch.nn.Linear(4, 3)))


def test_an_older_state_dict_is_not_larger_than_its_file():
    net = torch.nn.Linear(4, 3)
    torch.save(net.state_dict(), "x.pt", _use_new_zipfile_serialization=False)
    Model(torch.nn.Linear(4, 3)).load_weights("x.pt")
    with open("x.pt", "rb") as file:
        content = file.read()
    with open("x.pt", "wb") as file:
        file.write(content.replace(b"K\x0cNt", b"J\xff\xff\xff\x0fNt"))
    assert_refused("x.pt", "larger than the file", Model(torch.nn.Linear(4, 3)))


def test_a_packed_state_dict_is_bounded_by_its_bytes():
    with zipfile.ZipFile("x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x/data/0", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(1 << 20))
        archive.writestr("x/data.pkl", pickle.dumps({}))
    assert_refused("x.pt", "too large to be true", Model(torch.nn.Linear(4, 3)))


def test_a_member_is_no_larger_than_its_archive():
    Sequential([layers.Dense(3, input_dim=4)]).save("x.keras")
    with zipfile.ZipFile("x.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile("x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        size = archive.getinfo("config.json").compress_size
    with open("x.keras", "rb") as file:
        content = file.read()
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"config.json")) + 20
    assert content[place : place + 4] == size.to_bytes(4, "little")
    with open("x.keras", "wb") as file:
        file.write(content[:place] + (3 << 30).to_bytes(4, "little") + content[place + 4 :])
    assert_refused("x.keras", "larger than")


def test_names_of_shared_weights_that_say_nothing_are_told():
    from safetensors.torch import save_file

    for text in ("[]", '{"a": "b"}', "{", "1" * 5000):
        save_file({"weight": torch.zeros(3, 4)}, "x.safetensors", {"onfit_shared": text})
        assert_refused("x.safetensors", "", Model(torch.nn.Linear(4, 3)))


# --- all or nothing --------------------------------------------------------------------------


@pytest.mark.parametrize("values", [np.ones((8, 3), np.longdouble), np.ones((8, 3), complex)])
@pytest.mark.parametrize("name", ["x.weights.h5", "x.h5"])
def test_one_weight_that_cannot_be_converted_changes_none(name, values):
    small(activation="softmax").save_weights(name)
    inner = "layers/dense_1/vars/0" if "weights" in name else "dense_1/sequential/dense_1/kernel"
    with h5py.File(name, "a") as file:
        del file[inner]
        file[inner] = values
    assert_refused(name)


def test_a_weight_without_numbers_changes_none():
    net = torch.nn.Linear(4, 3)
    torch.save({"weight": torch.ones(3, 4), "bias": torch.ones(3, device="meta")}, "x.pt")
    assert_refused("x.pt", "", Model(net))
    torch.save({"weight": torch.ones(3, 4), "bias": torch.ones(3).to_sparse()}, "x.pt")
    assert_refused("x.pt", "layout", Model(net))


# --- what is no file -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras", ".safetensors", ".pt"])
def test_a_pipe_is_not_waited_for(suffix):
    os.mkfifo(f"pipe{suffix}")
    os.symlink("/dev/zero", f"device{suffix}")
    for name in (f"pipe{suffix}", f"device{suffix}"):
        with pytest.raises(FileFormatError, match="pipe or a device"):
            small().load_weights(name)
        with pytest.raises(FileFormatError, match="pipe or a device"):
            small().notes_in(name)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800", "a" * 300])
def test_a_name_that_no_file_can_have_is_told(name):
    model = small()
    for write in (lambda: model.save(f"{name}.h5"), lambda: model.save_weights(f"{name}.pt")):
        with pytest.raises(StorageError, match="name"):
            write()
    with pytest.raises(StorageError, match="no such file"):
        model.load_weights(f"{name}.h5")
    assert os.listdir() == []


# --- names in files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["warnings", "importlib", "cosine_similarity", "handle_torch_function"]
)
def test_a_loss_is_one_of_torchs_losses(name):
    model = small()
    model.compile("sgd", torch.nn.functional.mse_loss)
    model.save("x.h5")
    assert load_model("x.h5").compiled is not None
    with h5py.File("x.h5", "a") as file:
        file.attrs["training_config"] = file.attrs["training_config"].replace("mse_loss", name)
    with pytest.raises(FileFormatError, match=f"{name}.*no such loss"):
        load_model("x.h5")


def test_layers_may_stand_in_any_order():
    from onfit.layers import Dense, Input

    begin = end = Input((4,))
    for _ in range(60):
        end = Dense(2)(end)
    model = Model(begin, end)
    model.save("x.h5")
    with h5py.File("x.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"].reverse()
        file.attrs["model_config"] = json.dumps(config)
    x = np.ones((3, 4), "float32")
    assert_identical(load_model("x.h5").predict(x, verbose=0), model.predict(x, verbose=0))
