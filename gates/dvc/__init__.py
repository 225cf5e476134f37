"""What DVC recorded, read without DVC; and DVC itself, as a program and never an import."""
