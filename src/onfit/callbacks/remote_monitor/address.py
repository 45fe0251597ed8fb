"""The address of the server: checked, and without its secrets where it is shown."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from onfit.core.representation import without_password
from onfit.errors import ArgumentError, ArgumentTypeError

_LONGEST = 300  # letters of an error's text, which may quote what a server sent


def check_address(root: Any, path: Any) -> None:
    """Check that `root` is the address of a server, and `path` a text.

    Raises:
        ArgumentError: if `root` is not.
        ArgumentTypeError: if `path` is not.
    """
    if not _is_address(root):
        shown = without_password(root) if isinstance(root, str) else root
        better = f"http://{shown}" if isinstance(root, str) and "://" not in root else None
        raise ArgumentError(
            f"RemoteMonitor(root={shown!r}): root is the address of a server, beginning with "
            f"http:// or https://.{f' Did you mean {better!r}?' if better else ''}"
        )
    if not isinstance(path, str):
        raise ArgumentTypeError(
            f"RemoteMonitor(path={path!r}): path is the text that follows root in the address, "
            "such as '/publish/epoch/end/'."
        )


def _is_address(root: Any) -> bool:
    try:
        parts = urlsplit(root) if isinstance(root, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as a bracket that is not closed
        return False


def without_secrets(text: str, url: str, headers: Mapping[str, Any] | None) -> str:
    """A text of one line without the user and password of `url`, its query, and the headers."""
    text = without_password(text)
    for secret in sorted(_secrets(url, headers), key=len, reverse=True):
        text = text.replace(secret, "...")
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _secrets(url: str, headers: Mapping[str, Any] | None) -> set[str]:
    parts = urlsplit(url)
    password = parts.password or ""
    given = [parts.netloc.rpartition("@")[0], password, unquote(password), parts.query]
    given += [str(value).strip() for value in (headers or {}).values()]
    return set(filter(None, given))
