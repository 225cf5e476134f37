"""What a statistic says when the data carry no answer."""


class UndefinedError(ValueError):
    """The statistic has no value on these rows; the message names the count that is missing."""
