"""Evidence folders: what may lie there, how it is read as hostile data, how it is written."""
