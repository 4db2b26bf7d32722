"""Models in from other projects' formats, and out to the ones that serve them; every hand-over is verified."""
