"""What people bring to train on, made into batches."""
