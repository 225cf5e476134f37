"""The shell to GitHub: calls and their patience, one comment, one check, hostile archives."""
