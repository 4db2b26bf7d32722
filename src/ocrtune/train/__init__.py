"""Training: from labelled lines and a base to a verified bundle."""
