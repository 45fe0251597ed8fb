"""What core asks of tqdm. Imported once the process has loaded it."""

from typing import TextIO

from tqdm import tqdm

from onfit.core.packages import Package, register


class Tqdm(Package):
    """tqdm's bars, above which lines are written."""

    def write_line(self, text: str, stream: TextIO) -> bool:
        tqdm.write(text, file=stream)
        return True


register("tqdm", Tqdm())
