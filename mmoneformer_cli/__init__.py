"""The command line. It is a package of its own because importing mmoneformer imports torch, and help must be instant.

Each command is a module: its docstring is the description, ``EXAMPLES`` ends its help, ``add_arguments`` adds its
arguments to a parser, and ``run`` executes it. Only ``run`` may import mmoneformer. The scripts in ``tools/`` run the
same modules.
"""
