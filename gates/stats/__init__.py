"""Intervals, paired tests, multiplicity and power: pure functions of numbers and NumPy arrays.

Data that carry no answer (no rows, one class, NaN) raise `UndefinedError`; an argument that
no caller should pass (a confidence of 2) raises `ValueError`.
"""
