"""What TensorBoard writes after some of the epochs: histograms and images of weights, embeddings.

Where weights lie in pieces on several processes, all of them take part in looking at the model, and
the main one writes.
"""

from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from onfit.callbacks.tensorboard.histograms import Histograms
from onfit.callbacks.tensorboard.output import Output
from onfit.callbacks.tensorboard.projector import Projector
from onfit.core.faces import model_of

if TYPE_CHECKING:
    from onfit.callbacks.tensorboard.callback import TensorBoard


class AfterEpochs:
    """Looks at the model of a TensorBoard after some epochs.

    Args:
        board: says what to write, and how often.
        root: the folder in which labels are looked for.

    Raises:
        ArgumentError: for layers that the model does not have.
    """

    def __init__(self, board: "TensorBoard", root: str) -> None:
        self._board = board
        self._histograms: Histograms | None = None
        self._projector: Projector | None = None
        if board.histogram_freq:
            self._histograms = Histograms(board.batch_size, board.write_grads, board.write_images)
        if board.embeddings_freq:
            self._projector = projector_of(board, root)
            self._projector.prepare(model_of(board))

    def write(self, epoch: int, output: Output | None) -> None:
        """Write what is due after an epoch; without an output, take part in looking at it."""
        board, model = self._board, self._board.model
        if self._histograms is not None and epoch % board.histogram_freq == 0:
            with _attempt(output):
                # Data that would have to be collected from a loader first are left out.
                data = None if callable(board._validation) else board.validation_data
                files = None if output is None else output.files
                self._histograms.write(files, model, data, epoch)
        if self._projector is not None and epoch % board.embeddings_freq == 0:
            with _attempt(output):
                self._projector.write(model, None if output is None else output.folder)


def projector_of(board: "TensorBoard", root: str) -> Projector:
    """What writes the embeddings that a TensorBoard asks for."""
    names, labels = board.embeddings_layer_names, board.embeddings_metadata
    return Projector(root, names, labels, board.embeddings_data, board.batch_size)


def _attempt(output: Output | None) -> AbstractContextManager[None]:
    """A block in which an error ends no training. The main process, which writes, says it."""
    return suppress(Exception) if output is None else output.attempt()
