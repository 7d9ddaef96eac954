"""Programs that move files, each asked the same way."""
