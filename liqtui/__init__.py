__version__ = "0.1.0"
"""Here, because asking the installed package for it takes longer than all else that `--version` does."""
