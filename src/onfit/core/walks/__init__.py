"""What a session is built of: evaluations, what is logged, walks through batches, steps."""
