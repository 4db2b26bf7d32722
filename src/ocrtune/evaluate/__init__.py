"""How well a recogniser reads: metrics on texts, and the measurement on a dataset. No torch."""
