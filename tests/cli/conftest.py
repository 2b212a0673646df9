import pytest


class Calls(list):
    """Records the calls of functions that commands end in."""

    def record(self, result=None):
        """A function that records its arguments and returns ``result``."""

        def function(*args, **kwargs):
            self.append((args, kwargs))
            return result

        return function


@pytest.fixture
def calls():
    return Calls()
