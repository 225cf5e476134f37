"""What the limits of a policy can decide on a test set, before anything is trained."""
