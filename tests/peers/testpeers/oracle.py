"""Runs the programs on a case. What the real kustomize said is kept, by the hash of the case."""
import dataclasses
import os
import pathlib
import pickle
import subprocess
import tempfile
import zlib

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0"}
DEADLINE = 30


def program(text):
    """A program that a command line names; it is run in other directories."""
    return pathlib.Path(text).absolute()


@dataclasses.dataclass
class Answer:
    status: int
    out: bytes
    err: bytes

    @property
    def good(self):
        return self.status == 0


def run(program, case, root):
    """One `build`, with the case written at root."""
    argv = [str(program), "build", *case.arguments, str(root / case.target) if case.target != "." else str(root)]
    try:
        done = subprocess.run(argv, cwd=root, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        return Answer(-1000, b"", b"no end within %d s" % DEADLINE)
    return Answer(done.returncode, done.stdout, done.stderr.replace(str(root).encode(), b"ROOT"))


class Oracle:
    """The real program with a memory."""

    def __init__(self, program, cache):
        self.program = pathlib.Path(program)
        self.cache = pathlib.Path(cache) / self.program.parent.name
        self.cache.mkdir(parents=True, exist_ok=True)

    def ask(self, case, root=None):
        key = case.key()
        file = self.cache / key[:2] / key[2:]
        try:
            return pickle.loads(zlib.decompress(file.read_bytes()))
        except FileNotFoundError:
            pass
        answer = run(self.program, case, root) if root else in_temporary(self.program, case)
        file.parent.mkdir(exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}-{id(case)}")
        part.write_bytes(zlib.compress(pickle.dumps(answer)))
        part.rename(file)
        return answer


def in_temporary(program, case):
    with temporary() as directory:
        return run(program, case, case.write(directory))


def temporary():
    return tempfile.TemporaryDirectory(prefix="capstan-peers-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def difference(real, ours):
    """How ours differs: "" when it does not."""
    if ours.status < 0:
        return "crash"
    if real.good != ours.good:
        return "accepts" if ours.good else "refuses"
    if not real.good:
        return "prints" if ours.out else "silent" if not ours.err.strip() else ""
    return "bytes" if real.out != ours.out else ""


def other(one, two):
    """Whether two answers of the same program differ in what counts."""
    return one.good != two.good or one.out != two.out
