"""BackupAndRestore: start a killed script again, and its run goes on."""

from onfit.callbacks.backup_and_restore.callback import BackupAndRestore

__all__ = ["BackupAndRestore"]
