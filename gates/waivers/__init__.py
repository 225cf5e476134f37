"""Findings that a team takes upon itself for a while: read, applied, appended."""
