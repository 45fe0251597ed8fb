"""What core needs of tqdm. Core imports this module once the process has loaded tqdm."""

from typing import TextIO

from tqdm import tqdm

from onfit.core.packages import Package, register


class Tqdm(Package):
    """tqdm's bars: a line is written above them."""

    def write_line(self, text: str, stream: TextIO) -> bool:
        tqdm.write(text, file=stream)
        return True


register("tqdm", Tqdm())
