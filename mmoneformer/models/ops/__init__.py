"""Operators with a faster form for some devices: each module here picks the form, and no other module knows devices.

The plain PyTorch form is the default. A kernel for one type of device runs on that type alone, and never while a graph
is recorded (see ``dispatch.runs_on``).
"""
