"""The synthetic data set of the demo and the tests."""
