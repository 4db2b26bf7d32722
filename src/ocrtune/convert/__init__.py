"""Models in from other projects' formats, and out to the ones that serve them; each hand-over is verified."""
