"""Checkpoints that are damaged, that cannot be read now, or that another version wrote."""

import builtins
import errno
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.storage.some import as_nobody, names, tree

from onfit.errors import FileFormatError, OnfitWarning, StorageError
from onfit.storage import array_file
from onfit.storage.checkpoints import CheckpointManager


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["arrays.bin", "state.json"])
@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_flipped_bit_is_told_and_the_one_before_is_used(kept, name, position):
    newest = kept.folder / "checkpoint-00000001"
    flip(newest / name, position)
    with pytest.warns(OnfitWarning) as caught:
        assert kept.latest()["epoch"] == 1
    assert str(caught[0].message) == (
        f"the checkpoint {str(newest)!r} is damaged ({name} has another content than was "
        "written); the one before it is used."
    )
    assert newest.exists()


def test_a_file_cut_short_is_told(kept):
    os.truncate(kept.folder / "checkpoint-00000001" / "arrays.bin", 100)
    with pytest.warns(OnfitWarning, match=r"\(arrays.bin has another size than was written\)"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("name", ["arrays.bin", "state.json", "manifest.json"])
def test_a_missing_file_is_told(kept, name):
    (kept.folder / "checkpoint-00000001" / name).unlink()
    with pytest.warns(OnfitWarning, match=r"is damaged \(its manifest cannot be read: .*No such"):
        assert kept.latest()["epoch"] == 1


def test_any_flipped_bit_of_a_manifest_is_told(kept):
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    for position in range(manifest.stat().st_size):
        flip(manifest, position)
        with pytest.warns(OnfitWarning, match="is damaged"):
            assert kept.latest()["epoch"] == 1
        flip(manifest, position)
    assert kept.latest()["epoch"] == 2


@pytest.mark.parametrize("version", [0, -1, True, 2, "1", None, 1.5, [1]])
def test_a_format_that_never_was_is_damage(kept, version):
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    text = manifest.read_text().replace('"format": 3', f'"format": {json.dumps(version)}')
    manifest.write_text(text)
    with pytest.warns(OnfitWarning, match=r"\(its format is .*, and 1, 3, 9 are known\)"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("version", ["10", "12", "1" + "0" * 400])
def test_a_checkpoint_of_a_newer_version_is_an_error_and_stays(kept, version):
    before = names(kept)
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    manifest.write_text(f'{{"format": {version}, "all": "else is unknown"}}')
    with pytest.raises(FileFormatError, match=r"a newer version of onfit wrote .*00000001"):
        kept.latest()
    kept.clear()
    assert names(kept) == before[1:]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ESTALE])
@pytest.mark.parametrize("name", ["manifest.json", "arrays.bin", "state.json"])
def test_a_checkpoint_that_cannot_be_read_now_is_an_error_and_stays(
    kept, monkeypatch, number, name
):
    before, real = names(kept), io.open

    def fails(file, *arguments, **more):
        if str(file).endswith(f"checkpoint-00000001/{name}"):
            raise OSError(number, os.strerror(number), str(file))
        return real(file, *arguments, **more)

    for place in (io, builtins):
        monkeypatch.setattr(place, "open", fails)
    with pytest.raises(StorageError, match=r"00000001' cannot be read now: .*Start again when"):
        kept.latest()
    again = CheckpointManager(kept.folder, keep=1)
    again.save(tree(3))
    assert names(kept) == ["checkpoint-00000001", "checkpoint-00000002"]
    again.clear()
    assert names(kept) == ["checkpoint-00000001"]
    monkeypatch.undo()
    assert kept.latest()["epoch"] == 2
    assert len(before) == 2


def test_a_folder_that_cannot_be_read_now_is_an_error(kept):
    kept.folder.chmod(0)
    try:
        with as_nobody(), pytest.raises(StorageError, match="Permission denied"):
            kept.latest()
    finally:
        kept.folder.chmod(0o755)
    assert kept.latest()["epoch"] == 2


@pytest.mark.parametrize("name", ["manifest.json", "arrays.bin", "state.json"])
@pytest.mark.parametrize("kind", ["link", "lost link", "pipe"])
def test_what_is_no_file_of_its_own_is_not_read_and_stays(kept, tmp_path, name, kind):
    path = kept.folder / "checkpoint-00000001" / name
    path.rename(tmp_path / name)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / (name if kind == "link" else "lost"))
    with pytest.raises(StorageError, match=f"cannot be read now: {name} is a link, a pipe or a"):
        kept.latest()
    kept.clear()
    assert names(kept) == ["checkpoint-00000001"]


@pytest.mark.parametrize("name", ["manifest.json", "arrays.bin", "state.json"])
def test_a_folder_in_place_of_a_file_is_told(kept, name):
    path = kept.folder / "checkpoint-00000001" / name
    path.unlink()
    path.mkdir()
    with pytest.warns(OnfitWarning, match="is damaged"):
        assert kept.latest()["epoch"] == 1


def as_format_1(folder: Path, **options) -> None:
    """Write a checkpoint anew as the first version wrote it."""
    with open(folder / "arrays.bin", "rb") as file:
        arrays = array_file.read(file, (folder / "arrays.bin").stat().st_size)
    (folder / "arrays.bin").unlink()
    save = np.savez_compressed if options.get("packed") else np.savez
    save(folder / "arrays.npz", **{f"a{key}": array for key, array in arrays.items()})
    sign(folder, 1, ("state.json", "arrays.npz"))


def test_a_checkpoint_of_the_first_format_is_read(kept):
    kept.save({"a": (1, [np.arange(3.0), np.array(["x"])]), "b": [0.5] * 40, "c": np.eye(3).T})
    newest = kept.folder / "checkpoint-00000002"
    before = kept.latest()
    as_format_1(newest)
    now = CheckpointManager(kept.folder).latest()
    assert repr(now) == repr(before)
    kept.save(tree(3), wait=True)
    kept.save(tree(4), wait=True)
    assert names(kept) == ["checkpoint-00000003", "checkpoint-00000004"]


def test_an_archive_that_unpacks_to_far_more_than_it_has_is_an_error(kept):
    kept.save({"zeros": np.zeros(1 << 25, np.uint8)})
    as_format_1(kept.folder / "checkpoint-00000002", packed=True)
    with pytest.raises(FileFormatError, match="too large to be true"):
        kept.latest()


def sign(folder: Path, version: int = 3, files=("state.json", "arrays.bin")) -> None:
    """Make the sums of a manifest those of its files."""
    listed = {
        name: {
            "size": (folder / name).stat().st_size,
            "blake2b": hashlib.blake2b((folder / name).read_bytes()).hexdigest(),
        }
        for name in files
    }
    (folder / "manifest.json").write_text(json.dumps({"format": version, "files": listed}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", b"no json"),
        ("state.json", b"[" * 100_000),
        ("state.json", b'{"a": ' * 3000 + b"1" + b"}" * 3000),
        ("state.json", b"1" + b"0" * 5000),
        ("state.json", b'{"onfit:array": "77"}'),
        ("state.json", b'{"onfit:numbers": []}'),
        ("state.json", b'{"onfit:tensor": [1, 2]}'),
        ("state.json", b'{"onfit:scalar": ["V9000000000000", 0]}'),
        ("state.json", b"\xff\xfe"),
        ("arrays.bin", b""),
        ("arrays.bin", b"no list"),
        ("arrays.bin", b'[["0", "O", [1]]]\n01234567'),
        ("arrays.bin", b'[["0", "<f8", [1]]]\n0123456'),
        ("arrays.bin", b'[["0", "<f8", [1]]]\n012345678'),
        ("arrays.bin", b'[["0", "<f8", [4611686018427387904]]]\n'),
        ("arrays.bin", b'[["0", "<f8", [-1, -1]]]\n01234567'),
        ("arrays.bin", b'[["0", "<f8", [true]]]\n01234567'),
    ],
)
def test_right_sums_of_what_no_run_writes_are_an_error_and_it_stays(kept, name, content):
    newest = kept.folder / "checkpoint-00000001"
    (newest / name).write_bytes(content)
    sign(newest)
    with pytest.raises(FileFormatError, match=r"but not the content of a checkpoint .*It stays"):
        kept.latest()
    assert newest.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 3, "files": {}}',
        '{"format": 3, "files": {"state.json": 3}}',
        '{"format": 3, "files": []}',
    ],
)
def test_a_manifest_that_says_nothing_is_told(kept, text):
    (kept.folder / "checkpoint-00000001" / "manifest.json").write_text(text)
    with pytest.warns(OnfitWarning, match="its manifest cannot be read"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 3' + "0" * 5000 + "}"])
def test_a_manifest_that_no_reader_takes_is_told(kept, text):
    (kept.folder / "checkpoint-00000001" / "manifest.json").write_text(text)
    with pytest.warns(OnfitWarning, match="its manifest cannot be read"):
        assert kept.latest()["epoch"] == 1


def test_where_all_are_damaged_an_error_says_how_to_begin_anew(kept):
    before = names(kept)
    for name in before:
        flip(kept.folder / name / "state.json", 3)
    with pytest.raises(FileFormatError) as caught:
        kept.latest()
    text = str(caught.value)
    assert text.count("is damaged (state.json has another content than was written)") == 2
    assert text.endswith(
        "none before it is whole. Nothing was trained or removed. To begin anew, remove "
        f"{str(kept.folder)!r}, or give this run another folder."
    )
    assert names(kept) == before


def test_what_is_damaged_does_not_count_as_kept(kept):
    flip(kept.folder / "checkpoint-00000001" / "state.json", 3)
    again = CheckpointManager(kept.folder, keep=2)
    again.save(tree(3))
    assert names(kept) == [f"checkpoint-0000000{number}" for number in range(3)]
    again.save(tree(4))
    assert names(kept) == [f"checkpoint-0000000{number}" for number in (1, 2, 3)]
    again.clear()
    assert not kept.folder.exists()


def test_a_damaged_one_is_never_written_over(kept):
    flip(kept.folder / "checkpoint-00000001" / "state.json", 3)
    CheckpointManager(kept.folder).save(tree(3))
    assert kept.latest()["epoch"] == 3
    assert names(kept) == [f"checkpoint-0000000{number}" for number in range(3)]
