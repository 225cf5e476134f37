"""What several gates judge by: margins and bounds, rivals, and looks at both sides' tables.

No module here is a gate; those are in `gates/rules`, one a file.
"""
