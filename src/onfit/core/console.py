"""How a callback says something to the person who watches."""

import sys


def say(text: str) -> None:
    """Print a line to stdout, above a progress bar if one is being drawn."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(text, flush=True)
    else:
        tqdm.tqdm.write(text, file=sys.stdout)
