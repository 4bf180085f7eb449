"""Marks that pytest is to know."""


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: starts a real node, which may install packages first")
