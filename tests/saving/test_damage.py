"""Files that are damaged, or meant to harm, are named as such and change nothing."""

import json
import os
import zipfile

import h5py
import numpy as np
import pytest
import torch
from tests.saving.small import assert_identical, each_format, predictions, small, trained

from onfit import layers
from onfit.errors import FileFormatError
from onfit.models import Sequential, load_model


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assert_refused(path, match=""):
    model = small(activation="softmax")
    before = model.get_weights()
    with pytest.raises(FileFormatError, match=path.replace(".", r"\.") + f".*{match}"):
        model.load_weights(path)
    assert_identical(model.get_weights(), before)
    if path.endswith((".keras", ".h5")) and not path.endswith(".weights.h5"):
        with pytest.raises(FileFormatError, match=path):
            load_model(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
@each_format
def test_a_file_that_breaks_off_is_told_and_changes_nothing(method, suffix, share):
    getattr(trained(), method)(f"x{suffix}")
    os.truncate(f"x{suffix}", int(share * os.path.getsize(f"x{suffix}")))
    assert_refused(f"x{suffix}")


def rewritten(path, **changes):
    """The zip file with other members; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {name.replace("_", "."): content for name, content in changes.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def test_any_byte_of_the_weights_that_is_another_is_noticed():
    trained().save("x.keras")
    with zipfile.ZipFile("x.keras") as archive:
        begin = archive.getinfo("model.weights.h5").header_offset + 66
        size = archive.getinfo("model.weights.h5").file_size
    with open("x.keras", "rb") as file:
        whole = file.read()
    for place in range(begin, begin + size, size // 12):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        with open("x.keras", "wb") as file:
            file.write(damaged)
        assert_refused("x.keras", "damaged")


@pytest.mark.parametrize("member", ["config_json", "model_weights_h5"])
def test_a_member_that_is_missing_is_named(member):
    trained().save("x.keras")
    rewritten("x.keras", **{member: None})
    assert_refused("x.keras", member.replace("_", "."))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"class_name": "Sequential"}', "\xff"])
def test_a_configuration_that_is_none_is_told(text):
    trained().save("x.keras")
    rewritten("x.keras", config_json=text.encode("latin-1"))
    with pytest.raises(FileFormatError, match=r"x\.keras"):
        load_model("x.keras")


def test_nothing_is_unpacked_to_a_place_that_a_file_names(tmp_path):
    trained().save("x.keras")
    with zipfile.ZipFile("x.keras", "a") as archive:
        archive.writestr("../outside", "harm")
        archive.writestr(str(tmp_path / "absolute"), "harm")
        archive.writestr("assets/../../inside", "harm")
    before = sorted(os.listdir(tmp_path.parent))
    assert_identical(predictions(load_model("x.keras")), predictions(load_model("x.keras")))
    assert os.listdir() == ["x.keras"]
    assert sorted(os.listdir(tmp_path.parent)) == before


def test_code_in_a_file_is_never_run():
    model = Sequential([layers.Dense(3, input_dim=4), layers.Activation("tanh")])
    model.save("x.keras")
    with zipfile.ZipFile("x.keras") as archive:
        config = json.loads(archive.read("config.json"))
    code = {"class_name": "__lambda__", "config": {"value": "YXNkZg==", "defaults": None}}
    config["config"]["layers"][-1]["config"]["activation"] = code
    rewritten("x.keras", config_json=json.dumps(config))
    with pytest.raises(FileFormatError, match=r"x\.keras.*'activation'.*code.*never run"):
        load_model("x.keras")
    model.save("x.h5")
    with h5py.File("x.h5", "a") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": config["config"]}
        )
    with pytest.raises(FileFormatError, match=r"x\.h5.*code.*never run"):
        load_model("x.h5")


def test_a_pickle_under_a_good_name_is_no_model():
    for name in ("x.keras", "x.h5", "x.weights.h5", "x.safetensors"):
        torch.save({"dense.kernel": torch.zeros(4, 8)}, name)
        assert_refused(name)


@pytest.mark.parametrize("place", ["layers/dense", "layers/dense/vars", "layers/dense/vars/0"])
@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("secret.h5", "/x")])
def test_weights_that_lead_out_of_the_file_are_refused(link, place):
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        del file[place]
        file[place] = link
    assert_refused("x.weights.h5", "leads elsewhere")


def test_weights_that_are_kept_in_another_file_are_refused(tmp_path):
    with h5py.File("secret.h5", "w") as file:
        file["x"] = np.zeros(8, "float32")
    small(activation="softmax").save_weights("x.h5")
    place = "dense/sequential/dense/bias"
    for bias in (h5py.ExternalLink("secret.h5", "/x"), None):
        with h5py.File("x.h5", "a") as file:
            del file[place]
            if bias is not None:
                file[place] = bias
            else:
                outside = [("secret.h5", 0, h5py.h5f.UNLIMITED)]
                file.create_dataset(place, (8,), "float32", external=outside)
        with pytest.raises(FileFormatError, match=r"x\.h5.*(elsewhere|in another)"):
            small(activation="softmax").load_weights("x.h5")


def test_few_bytes_that_claim_to_be_many_are_refused():
    trained().save("x.keras")
    with zipfile.ZipFile("x.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile("x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert load_model("x.keras").optimizer.iterations == 3  # packed, as Keras never does
    with zipfile.ZipFile("x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", members["config.json"])
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(257):
                member.write(bytes(1 << 20))
    assert_refused("x.keras", "too large to be true")


def test_one_weight_too_many_or_too_few_is_told():
    small(activation="softmax").save_weights("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        file["layers/dense/vars/2"] = np.zeros(8)
    assert_refused("x.weights.h5")
    with h5py.File("x.weights.h5", "a") as file:
        del file["layers/dense/vars/2"]
        del file["layers/dense/vars/1"]
    assert_refused("x.weights.h5")
