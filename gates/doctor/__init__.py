"""What is weak in a repository's set-up: each setting as ok, weak or missing, with its mend."""
