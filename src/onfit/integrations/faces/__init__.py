"""What callbacks see as `self.model` in the loops of other libraries."""
