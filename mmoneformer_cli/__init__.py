"""The command line, beside the package: importing mmoneformer imports torch, and help must come at once.

A module for each command: its docstring is the description, ``EXAMPLES`` ends its help, ``add_arguments`` says what it
takes and ``run`` does it. Only ``run`` may import mmoneformer. The tools of the repository run the same functions.
"""
