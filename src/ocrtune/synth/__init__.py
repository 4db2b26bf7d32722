"""Making labelled lines: fonts, shaping and rendering, degradation, the generator."""
