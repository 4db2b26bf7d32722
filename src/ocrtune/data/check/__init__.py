"""Says what is wrong with labelled lines before anybody trains on them. It never edits; `fix.py` does."""
