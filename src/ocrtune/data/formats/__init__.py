"""Label formats of other tools: a module per family, a registry that recognises them, and what they share."""
