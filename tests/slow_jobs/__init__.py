"""An app with one job that takes as long as a test wants it to."""
