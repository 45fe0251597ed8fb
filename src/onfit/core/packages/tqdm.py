"""What core needs of tqdm. Core imports this module once the process has loaded tqdm."""

from typing import TextIO

from tqdm import tqdm

from onfit.core.packages import Package, register


class Tqdm(Package):
    """Writes a line above tqdm's bars."""

    def write_line(self, text: str, stream: TextIO) -> bool:
        tqdm.write(text, file=stream)
        return True


register("tqdm", Tqdm())
