"""Failures that somebody outside this project can mend, each with its exit code.

A message says where, what is wrong with the value, what would be right, and what to do.
Anything else that is raised is a bug of ours (exit code 4).
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller; a contract of the command line."""

    MAY_MERGE = 0
    BLOCKED = 1
    USAGE = 2
    CANNOT_JUDGE = 3
    BUG = 4
    UNPUBLISHED = 5
    INTERRUPTED = 130


class GatesError(Exception):
    """One thing that cannot be done, in one message, without a traceback."""

    exit_code = ExitCode.CANNOT_JUDGE


class UsageError(GatesError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class PolicyError(GatesError):
    """The limits cannot be read as a policy."""

    exit_code = ExitCode.USAGE


class EvidenceError(GatesError):
    """A file of evidence is missing, broken or not what it says it is."""


class UnpublishedError(GatesError):
    """There is something to say, and GitHub did not take it."""

    exit_code = ExitCode.UNPUBLISHED


class GitError(GatesError):
    """Git has not what the comparison needs."""


class PipelineError(GatesError):
    """The pipeline cannot be reproduced."""
