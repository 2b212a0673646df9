"""The drawn data set of the demo and the tests."""
