"""What each command takes; imports argparse alone, so that `--help` answers at once."""
