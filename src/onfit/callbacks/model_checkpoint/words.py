"""Texts that ModelCheckpoint shows to the user."""


def replacing_a_better(path: str, there: float, value: float, monitor: str) -> str:
    """The text for a new training that is about to replace a better file of an older one."""
    return (
        f"ModelCheckpoint replaces {path!r}, whose {monitor} of {there:0.5f} is "
        f"better than the {value:0.5f} of this new training. To go on from a file pass "
        "load_weights_on_restart=True; to keep it, give another filepath."
    )


def no_val_values(save_freq: object, monitor: str) -> str:
    """The text for a `val_` quantity at the end of batches, where nothing has been validated."""
    return (
        f"ModelCheckpoint(save_freq={save_freq!r}) compares {monitor!r} at the "
        "end of batches, where there are no val_ values, so nothing is saved there. Use "
        "save_freq='epoch', or monitor='loss'."
    )


def verdict(
    best: float, value: float, path: str, good: bool, improved: bool, keep: int | None
) -> str:
    """What is printed of a value: whether its model is saved, and why."""
    if not good:
        return f"did not improve from {best:0.5f}"
    if improved:
        return f"improved from {best:0.5f} to {value:0.5f}, saving model to {path}"
    return f"{value:0.5f} is among the {keep} best, saving model to {path}"
