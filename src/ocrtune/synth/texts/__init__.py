"""Text sources: what the lines that are made say. How they look is the rest of `synth`."""
