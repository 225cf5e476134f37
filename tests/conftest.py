"""What all tests share."""

import signal

from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("gatepost", deadline=None)
settings.load_profile("gatepost")


def pytest_configure() -> None:
    """Hear Ctrl-C again where we were started in the background.

    A background job ignores it, and so would all its children, some of which tests interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
