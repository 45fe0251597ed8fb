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
