"""Makes a profile look like the user's own lines: measure theirs, fit its ranges, measure what is made."""
