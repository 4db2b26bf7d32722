"""Whole stories that call the stages in turn."""
