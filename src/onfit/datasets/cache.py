"""Files of data sets: fetched once from their publishers, and checked at each use."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from onfit._types import StrPath
from onfit.core.console import say
from onfit.errors import StorageError
from onfit.storage import replacing

_PIECE = 1 << 20  # bytes read at a time
_PATIENCE = (10, 60)  # seconds for a connection, and between two pieces


class Published(NamedTuple):
    """A file as its publisher offers it.

    Attributes:
        url: its address.
        checksum: its checksum as the publisher gives it: `"sha256:..."` or `"md5:..."`.
    """

    url: str
    checksum: str


def folder() -> Path:
    """Where data sets are kept: `$ONFIT_HOME/datasets`, by default `~/.onfit/datasets`."""
    return Path(os.environ.get("ONFIT_HOME") or Path.home() / ".onfit") / "datasets"


def cached(name: StrPath, published: Published) -> Path:
    """The path of a local copy of a published file, which is fetched if it is missing.

    A damaged file in `folder()` is fetched again; a file elsewhere is never replaced.

    Args:
        name: its path in `folder()`; an absolute path is used as it is.
        published: where it comes from, and its checksum.

    Raises:
        StorageError: if it can't be fetched, or has another checksum than was published.
    """
    path = folder() / name
    if path.is_file():
        if _checksum_of(path, published) == published.checksum:
            return path
        if folder() not in path.parents:
            raise StorageError(
                f"{str(path)!r} is not the file that {published.url} is said to hold "
                f"({published.checksum}). Give a path where nothing is yet."
            )
        say(f"{path} is damaged: it is fetched again.")
    _fetch(path, published)
    return path


def _fetch(path: Path, published: Published) -> None:
    import requests  # slow to import, and needed only to fetch a file

    say(f"Downloading {published.url} to {path}")
    try:
        with replacing(path) as temporary:
            _download(published.url, temporary)
            _require_published(temporary, published)
    except requests.RequestException as error:
        raise StorageError(
            f"{path.name} is needed and not at {str(path)!r}; fetching it from {published.url} "
            f"failed: {error}. {_by_hand(path, published)}"
        ) from error


def _download(url: str, path: Path) -> None:
    import requests

    with requests.get(url, stream=True, timeout=_PATIENCE) as response, open(path, "wb") as file:
        response.raise_for_status()
        for piece in response.iter_content(_PIECE):
            file.write(piece)


def _require_published(path: Path, published: Published) -> None:
    found = _checksum_of(path, published)
    if found != published.checksum:
        raise StorageError(
            f"{published.url} gave another file than was published there: its checksum is {found} "
            f"where {published.checksum} was expected. Nothing was kept. Try again later, or "
            "look at what stands between you and the publisher."
        )


def _by_hand(path: Path, published: Published) -> str:
    return (
        f"Connect this machine to the network, or put the file there by hand: {str(path)!r}, "
        f"with {published.checksum}."
    )


def _checksum_of(path: Path, published: Published) -> str:
    """The file's checksum, of the same kind as the published one."""
    kind = published.checksum.partition(":")[0]
    digest = hashlib.new(kind, usedforsecurity=False)
    for piece in _pieces(path):
        digest.update(piece)
    return f"{kind}:{digest.hexdigest()}"


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            yield piece
