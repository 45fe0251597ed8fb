"""Files that are damaged, or made up to do harm: the same for the same number."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SUFFIXES = (".keras", ".h5", ".weights.h5", ".safetensors", ".pt")

# What a made-up file may say where it should say something else.
_SAYINGS = (
    *(0, -1, 1, 3, 2**31, 2**40, 2**63, 10**30, 1e308, float("nan"), float("inf"), True, None),
    *("", "x", "relu", "Dense", "os.system", "../../x", "\0", "ü" * 300),
    *([], {}, [[]], [None], [2**40, 2**40], {"class_name": "Dense", "config": {}}),
    {"class_name": "__lambda__", "config": {"value": "4wEAAA=="}},
    {"class_name": "function", "config": "eval", "module": "builtins", "registered_name": "eval"},
)


def damaged(whole: bytes, suffix: str, number: int) -> bytes:
    """A file of that number, made of a sound one."""
    draw = random.Random(number)
    ways: list[Callable[[bytes, random.Random], bytes]] = [*_OF_BYTES, *_MADE_UP[suffix] * 2]
    content = draw.choice(ways)(whole, draw)
    return draw.choice(_OF_BYTES)(content, draw) if draw.random() < 0.1 else content


# --- bytes -----------------------------------------------------------------------------------


def _flipped(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 8, 64))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flipped_early(content: bytes, draw: random.Random) -> bytes:
    """Most formats say at their beginning what follows."""
    begin = content[:2048]
    return _flipped(begin, draw) + content[len(begin) :]


def _broken_off(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _swapped(content: bytes, draw: random.Random) -> bytes:
    size = draw.choice((8, 64, 512))
    changed = bytearray(content)
    one, other = (draw.randrange(max(1, len(content) - size)) for _ in range(2))
    changed[one : one + size], changed[other : other + size] = (
        changed[other : other + size],
        changed[one : one + size],
    )
    return bytes(changed)


def _overwritten(content: bytes, draw: random.Random) -> bytes:
    begin, size = draw.randrange(len(content)), draw.choice((1, 8, 100, 4096))
    what = draw.choice((b"\0", b"\xff", draw.randbytes(1)))
    return content[:begin] + what * size + content[begin + size :]


def _inserted(content: bytes, draw: random.Random) -> bytes:
    begin = draw.randrange(len(content))
    return content[:begin] + draw.randbytes(draw.choice((1, 8, 700))) + content[begin:]


def _noise(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.choice((0, 4, 8, 64))] + draw.randbytes(draw.randrange(3000))


_OF_BYTES = [_flipped, _flipped_early, _broken_off, _swapped, _overwritten, _inserted, _noise]


# --- what they say ---------------------------------------------------------------------------


def _said_otherwise(text: bytes | str, draw: random.Random) -> str:
    """JSON in which some values are others."""
    said = json.loads(text)
    for _ in range(draw.choice((1, 1, 2, 5))):
        places = list(_places(said))
        holder, key = draw.choice(places)
        if draw.random() < 0.1:
            del holder[key]
        else:
            holder[key] = draw.choice(_SAYINGS)
        if not said:
            break
    text = json.dumps(said)
    if draw.random() < 0.05:
        depth = draw.choice((90, 900, 50_000))
        text = text[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}"
    return text


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, (list, dict)):
            yield from _places(inner)


def _zip_otherwise(
    content: bytes, change: Callable[[dict[str, bytes]], None], packing: int
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", packing) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return written.getvalue()


def _keras_config(content: bytes, draw: random.Random) -> bytes:
    def change(members: dict[str, bytes]) -> None:
        name = draw.choice(("config.json", "config.json", "metadata.json"))
        members[name] = _said_otherwise(members[name], draw).encode(errors="ignore")

    return _zip_otherwise(content, change, zipfile.ZIP_STORED)


def _keras_weights(content: bytes, draw: random.Random) -> bytes:
    def change(members: dict[str, bytes]) -> None:
        name = "model.weights.h5"
        members[name] = draw.choice([*_OF_BYTES, _objects])(members[name], draw)

    return _zip_otherwise(content, change, draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _bomb(content: bytes, draw: random.Random) -> bytes:
    def change(members: dict[str, bytes]) -> None:
        name = draw.choice(list(members))
        members[name] = draw.choice((b"\0", b"{},", b"[")) * draw.choice((1 << 20, 1 << 24))

    ways = (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    return _zip_otherwise(content, change, draw.choice(ways))


def _pickle(content: bytes, draw: random.Random) -> bytes:
    def change(members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.endswith("data.pkl"))
        members[name] = draw.choice(_OF_BYTES)(members[name], draw)

    return _zip_otherwise(content, change, zipfile.ZIP_STORED)


def _header(content: bytes, draw: random.Random) -> bytes:
    size = int.from_bytes(content[:8], "little")
    head = _said_otherwise(content[8 : 8 + size], draw).encode(errors="ignore")
    claimed = draw.choice((len(head), len(head), len(head), 2**62, 0, 100_000_001))
    return claimed.to_bytes(8, "little") + head + content[8 + size :]


# --- HDF5 ------------------------------------------------------------------------------------


def _objects(content: bytes, draw: random.Random) -> bytes:
    held = io.BytesIO(content)
    with (
        suppress(ValueError, KeyError, TypeError, OSError, IndexError, RuntimeError),
        h5py.File(held, "a") as file,
    ):
        for _ in range(draw.choice((1, 1, 3))):
            draw.choice(_OF_OBJECTS)(file, draw)
    return held.getvalue()


def _any_of(file: Any, draw: random.Random, kind: Any) -> Any:
    """A group or dataset on some way down, which a knot of links does not make longer."""
    passed, item = [], file["/"]
    while isinstance(item, h5py.Group) and len(item) and len(passed) < 20:
        item = item[draw.choice(sorted(item))]
        if isinstance(item, kind):
            passed.append(item)
    return draw.choice(passed)


def _link(file: Any, draw: random.Random) -> None:
    item = _any_of(file, draw, (h5py.Group, h5py.Dataset))
    parent, name = item.parent, item.name.rpartition("/")[2]
    target = _any_of(file, draw, (h5py.Group, h5py.Dataset))
    del parent[name]
    links = (h5py.SoftLink(target.name), h5py.ExternalLink("/etc/passwd", "/x"), target, file["/"])
    parent[name] = draw.choice(links)


def _knot(file: Any, draw: random.Random) -> None:
    groups = [_any_of(file, draw, h5py.Group)]
    for index in range(draw.choice((3, 60))):
        groups.append(groups[0].require_group(f"g{index}"))
    for one, other in pairwise(groups):
        one["a"] = one["b"] = other


def _dataset(file: Any, draw: random.Random) -> None:
    item = _any_of(file, draw, h5py.Dataset)
    parent, name = item.parent, item.name.rpartition("/")[2]
    shape = draw.choice((item.shape, item.shape, (), (0,), (1 << 30,), (1 << 20, 1 << 20), None))
    types = ("f2", "f4", ">f8", "g", "c16", "u8", "i1", "?", "S9", "V2", h5py.string_dtype())
    kind = draw.choice(("f4", "f4", draw.choice(types)))
    more: dict[str, Any] = {}
    if shape and draw.random() < 0.5:
        more = {"chunks": tuple(min(n, 1 << 10) or 1 for n in shape), "compression": "gzip"}
    del parent[name]
    if shape is None:
        parent[name] = h5py.Empty(kind)
    else:
        parent.create_dataset(name, shape, kind, **more)


def _attribute(file: Any, draw: random.Random) -> None:
    item = draw.choice((file, _any_of(file, draw, h5py.Group)))
    names = sorted(item.attrs) or ["layer_names"]
    name = draw.choice(names)
    value = item.attrs.get(name)
    if isinstance(value, str) and value.startswith("{"):
        item.attrs[name] = _said_otherwise(value, draw)
        return
    others = (b"x", 3.5, np.arange(9), [b"a"] * 300, ["a"] * 300, h5py.Empty("f4"), "dense/../..")
    item.attrs[name] = draw.choice(others)


def _depth(file: Any, draw: random.Random) -> None:
    group = _any_of(file, draw, h5py.Group)
    for _ in range(draw.choice((50, 1200))):
        group = group.require_group("g")


_OF_OBJECTS = [_link, _knot, _dataset, _attribute, _attribute, _depth]

_MADE_UP: dict[str, list[Callable[[bytes, random.Random], bytes]]] = {
    ".keras": [_keras_config, _keras_config, _keras_weights, _bomb],
    ".h5": [_objects],
    ".weights.h5": [_objects],
    ".safetensors": [_header],
    ".pt": [_pickle, _bomb],
}


def write(folder: Path, whole: dict[str, bytes], number: int) -> Path:
    """Write the damaged file of that number, of one format after the other."""
    suffix = SUFFIXES[number % len(SUFFIXES)]
    path = folder / f"x{suffix}"
    path.write_bytes(damaged(whole[suffix], suffix, number))
    return path
