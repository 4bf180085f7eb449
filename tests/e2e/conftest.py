"""Fixtures of the end-to-end tests; see harness.py."""
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gitea import Gitea, scratch  # noqa: E402
from harness import Git, Operator, World  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: starts a real node, which may install packages first")


# Long modules whose tests each make all they need: they may be spread over processes that run side by side.
SPREAD = {"test_builds", "test_environments", "test_faults", "test_sources"}


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.module.__name__ not in SPREAD and config.pluginmanager.hasplugin("xdist"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A cluster for the module, with the custom resources."""
    world = World(tmp_path_factory.mktemp("cluster"))
    world.capstan("install", "--crds-only")
    yield world
    world.cluster("down")


@pytest.fixture(scope="module")
def operator(world, tmp_path_factory):
    """An operator that runs as long as the module; tests that hurt theirs make their own."""
    with Operator(world, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture
def namespace(world, request):
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    world.kubectl("create", "namespace", name)
    yield name
    world.run("kubectl", "delete", "app,repo,imagerule", "--all", "-n", name, "--wait=false")
    world.run("kubectl", "delete", "namespace", name, "--wait=false")


@pytest.fixture
def git(tmp_path):
    return Git(tmp_path / "git")


@pytest.fixture(scope="module")
def gitea():
    parent = scratch()
    try:
        with Gitea(f"{parent}/gitea") as gitea:
            yield gitea
    finally:
        shutil.rmtree(parent, ignore_errors=True)
