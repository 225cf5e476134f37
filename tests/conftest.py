"""What all tests share."""

import signal


def pytest_configure() -> None:
    """Hear Ctrl-C again where we were started in the background.

    A background job ignores it, and so would all its children, some of which tests interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
