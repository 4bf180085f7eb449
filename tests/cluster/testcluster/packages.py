"""The Debian packages that the cluster stands on, installed when they are missing and the user may."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .state import Failure, locked

POLICY = Path("/usr/sbin/policy-rc.d")


def need(listing):
    wanted = [line for line in listing.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")]
    missing = _missing(wanted)
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(f"missing packages: {' '.join(missing)}")
    print(f"cluster: installing {' '.join(missing)} ...", file=sys.stderr)
    with locked("apt"):
        _install(missing)


def _missing(wanted):
    """Elsewhere than on Debian nobody can say, so that all is taken to be there."""
    if not shutil.which("dpkg-query"):
        return []
    known = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
                           capture_output=True, text=True, check=False).stdout.splitlines()
    return [package for package in wanted if f"{package} installed" not in known]


def _install(missing):
    """With a policy that keeps the packages' own services from being started."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        POLICY.chmod(0o755)
    try:
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for args in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(["apt-get", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=environment, check=False)
            if done.returncode and args[0] == "install":
                raise Failure(f"apt-get install failed:\n{done.stdout[-2000:]}")
    finally:
        if ours:
            POLICY.unlink()


def need_root_and_network():
    if os.geteuid() != 0:
        raise Failure("a real node needs root")
    if not shutil.which("ip"):
        return
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        raise Failure(f"a real node needs a network namespace of its own: {probe.stderr.strip()}")
