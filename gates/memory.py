"""Freed memory is kept for the next array, where the C library would give it back each time."""

import ctypes
import sys

_TRIM, _MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
_MAPPED_BYTES = 1 << 25  # from which an array is a mapping of its own; glibc's own upper limit
_KEPT_BYTES = 2 * _MAPPED_BYTES  # at the end of the heap, as glibc relates the two


def keep_freed_memory() -> None:
    """Start with the thresholds that glibc comes to after large arrays were freed.

    Else every temporary array of a few hundred kilobytes costs a system call and a fault a page.
    Source: mallopt(3). Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    set_option(_TRIM, _KEPT_BYTES)
    set_option(_MAP, _MAPPED_BYTES)
