"""The limits a team demands: read, and compared with those of the base."""
