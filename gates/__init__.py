"""gatepost: judge a machine-learning pull request before it merges."""

__version__ = "0.1.0"
