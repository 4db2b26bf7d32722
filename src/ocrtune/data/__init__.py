"""Labelled lines: label formats in and out, the LMDB store, audit and splits. No torch."""
