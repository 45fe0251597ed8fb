"""Files of data sets are fetched once, checked always, and whole or not there."""

import re
import socket
from pathlib import Path

import pytest
from tests.datasets.publisher import Publisher, md5, sha256

from onfit.datasets import cache
from onfit.datasets.cache import Published, cached, folder
from onfit.errors import StorageError

CONTENT = b"the published bytes" * 1000


@pytest.fixture
def published(publisher: Publisher) -> Published:
    publisher.files["a.bin"] = CONTENT
    return Published(publisher.url + "a.bin", sha256(CONTENT))


def left(home: Path) -> list[str]:
    """The files in the folder, hidden ones too."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_a_file_is_fetched_the_first_time_only(home, publisher, published, capsys):
    path = cached("a.bin", published)
    assert path == home / "a.bin"
    assert path.read_bytes() == CONTENT
    assert capsys.readouterr().out == f"Downloading {published.url} to {path}\n"
    assert cached("a.bin", published) == path
    assert publisher.asked == ["a.bin"]
    assert capsys.readouterr().out == ""
    assert left(home) == ["a.bin"]


def test_a_file_may_have_its_place_in_a_folder_below(home, published):
    assert cached(Path("set", "a.bin"), published).read_bytes() == CONTENT
    assert left(home) == ["set/a.bin"]


@pytest.mark.parametrize("checksum", [md5, sha256])
def test_checksums_of_several_kinds_are_known(publisher, published, checksum):
    assert cached("a.bin", published._replace(checksum=checksum(CONTENT))).is_file()


def test_what_is_not_what_was_published_is_refused_and_removed(home, publisher, published):
    publisher.files["a.bin"] = b"something else"
    found, expected = sha256(b"something else"), sha256(CONTENT)
    text = f"its checksum is {found} where {expected} was expected. Nothing was kept."
    with pytest.raises(StorageError, match=re.escape(text)):
        cached("a.bin", published)
    assert left(home) == []


def test_a_damaged_file_is_fetched_again(home, publisher, published, capsys):
    path = cached("a.bin", published)
    path.write_bytes(CONTENT[:-1])
    assert cached("a.bin", published).read_bytes() == CONTENT
    assert publisher.asked == ["a.bin"] * 2
    assert f"{path} is damaged: it is fetched again." in capsys.readouterr().out


def test_a_damaged_file_stays_if_it_cannot_be_fetched_again(home, publisher, published):
    path = cached("a.bin", published)
    path.write_bytes(b"damaged")
    publisher.files["a.bin"] = b"something else"
    with pytest.raises(StorageError, match="gave another file than was published there"):
        cached("a.bin", published)
    assert path.read_bytes() == b"damaged"
    assert left(home) == ["a.bin"]


def test_a_file_of_the_users_own_is_never_replaced(tmp_path, publisher, published):
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"is not the file that .* Give a path where nothing"):
        cached(mine, published)
    assert mine.read_bytes() == b"mine"
    assert publisher.asked == []


def test_an_absolute_path_is_taken_as_it_is(tmp_path, home, published):
    assert cached(tmp_path / "there" / "a.bin", published).read_bytes() == CONTENT
    assert left(home) == []


def test_a_file_put_there_by_hand_needs_no_network(home, publisher, published):
    home.mkdir(parents=True)
    (home / "a.bin").write_bytes(CONTENT)
    assert cached("a.bin", published).read_bytes() == CONTENT
    assert publisher.asked == []


def test_without_network_the_error_says_where_to_put_the_file(home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: no answer comes
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.bin"
        with pytest.raises(StorageError) as caught:
            cached("a.bin", Published(url, "md5:0123"))
    text, path = str(caught.value), home / "a.bin"
    assert text.startswith(f"a.bin is needed and not at '{path}'; fetching it from {url} failed: ")
    assert text.endswith(
        "Connect this machine to the network, or put the file there by hand: "
        f"'{path}', with md5:0123."
    )
    assert left(home) == []


def test_a_file_the_publisher_lacks_is_an_error(home, publisher, published):
    del publisher.files["a.bin"]
    with pytest.raises(StorageError, match="404 Client Error: Not Found"):
        cached("a.bin", published)
    assert left(home) == []


def test_a_connection_that_breaks_off_leaves_nothing(home, publisher, published, monkeypatch):
    monkeypatch.setattr(cache, "_PIECE", 100)

    class Short(bytes):
        def __len__(self) -> int:
            return 10 * super().__len__()

    publisher.files["a.bin"] = Short(CONTENT)
    with pytest.raises(StorageError, match=r"a\.bin is needed and not at .* failed: "):
        cached("a.bin", published)
    assert left(home) == []


def test_a_folder_that_cannot_be_made_is_an_error(home, published):
    home.parent.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"cannot write .*a\.bin"):
        cached("a.bin", published)


def test_data_sets_are_kept_in_the_users_home_unless_told_otherwise(tmp_path, monkeypatch):
    assert folder() == tmp_path / "home" / "datasets"
    monkeypatch.setenv("ONFIT_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert folder() == tmp_path / "me" / ".onfit" / "datasets"
