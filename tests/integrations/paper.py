"""A booster of paper."""

from onfit.integrations.faces.booster import BoostedModel


class Paper(BoostedModel):
    """A booster that is the list of its rounds."""

    suffixes = (".rounds",)
    only_adds = True

    def __init__(self, booster=None, optimizer=None):
        super().__init__([] if booster is None else booster, optimizer)

    @property
    def rounds(self):
        return len(self.booster)

    def as_bytes(self, suffix):
        return bytes(self.booster)

    def load(self, content):
        if b"!" in content:
            raise ValueError("no rounds")
        self.booster[:] = list(content)

    def cut(self, rounds):
        del self.booster[rounds:]
