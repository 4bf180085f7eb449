"""A case: files, the directory to build, and how. Made from a seed; the same seed gives the same case."""
import dataclasses
import hashlib
import math
import os
import pathlib
import random
import shutil

from . import layers, mistakes
from .words import Words


@dataclasses.dataclass
class Link:
    """A symbolic link, where a file could be."""
    to: str


@dataclasses.dataclass
class Case:
    files: dict  # path below in/ -> bytes or Link
    target: str = "."
    arguments: tuple = ("--reorder", "none")
    seed: int = -1
    mistake: str = ""

    def key(self):
        digest = hashlib.sha256()
        for path in sorted(self.files):
            content = self.files[path]
            digest.update(path.encode() + b"\0" + (b"->" + content.to.encode() if isinstance(content, Link) else content) + b"\0")
        digest.update(repr((self.target, self.arguments)).encode())
        return digest.hexdigest()

    def write(self, directory):
        """All files, below directory/in."""
        root = pathlib.Path(directory) / "in"
        root.mkdir(parents=True)
        for path, content in self.files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                os.symlink(content.to, file)
            else:
                file.write_bytes(content)
        return root

    def save(self, directory, want=None, error=None):
        """In the form of tests/golden/kustomize: in/, target, want.yaml or want.err."""
        directory = pathlib.Path(directory)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self.write(directory)
        (directory / "target").write_text(self.target + "\n")
        if self.arguments != ("--reorder", "none"):
            (directory / "arguments").write_text("\n".join(self.arguments) + "\n")
        if want is not None:
            (directory / "want.yaml").write_bytes(want)
        else:
            (directory / "want.err").write_text((error or "") + "\n")

    @staticmethod
    def load(directory):
        directory = pathlib.Path(directory)
        root = directory / "in"
        files = {}
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if path.is_symlink():
                files[name] = Link(os.readlink(path))
            elif path.is_file():
                files[name] = path.read_bytes()
        arguments = directory / "arguments"
        return Case(files, (directory / "target").read_text().strip(),
                    tuple(arguments.read_text().splitlines()) if arguments.exists() else ("--reorder", "none"))


class Maker:
    """Makes one case. What the layers share is here."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.words = Words(self.rng, self.rng.choice([0.02, 0.1, 0.3]))
        self.wild = self.rng.choice([0, 0.2, 0.5, 1])
        self.files = {}
        self.fields = {}  # of every kustomization file, for the coverage
        self.plugins = set()
        self.kinds = set()
        self.vars = set()
        self.later = []  # what a layer does to names, seen only by the layers over it

    def finish(self, layer):
        layer.write()
        for action in self.later:
            action()
        self.later.clear()
        layer.own = layer.known
        return layer

    def layer(self, directory, bases=(), components=(), objects=0, features=1, kind="Kustomization"):
        layer = layers.Layer(self, directory, kind)
        for base in bases:
            layer.add_base(base)
        before = len(layer.known)
        if objects:
            layer.add_objects(objects)
        for component in components:
            layer.add_base(component, "components")
        if kind == "Component" and not objects:
            layer.known = [k.copy() for k in self.below]  # what it will be laid over
            before = len(layer.known)
        layers.add_features(layer, features)
        self.finish(layer)
        layer.own = layer.known[before:]
        return layer

    def number(self):
        return self.rng.choice([1, 2, 2, 3, 4, 6])

    def single(self):
        return self.layer("", objects=self.number(), features=self.rng.choice([1, 2, 3, 5]))

    def overlay(self):
        base = self.layer("base", objects=self.number(), features=self.rng.choice([0, 0, 1, 2]))
        return self.layer("overlays/prod" if self.words.some(0.5) else "prod", [base], objects=self.rng.choice([0, 0, 1, 2]), features=self.rng.choice([1, 2, 3, 5]))

    def deep(self):
        layer = self.layer("base", objects=self.number(), features=self.rng.choice([0, 1, 2]))
        for name in ("mid", "top", "last")[: self.rng.choice([2, 2, 3])]:
            layer = self.layer(name, [layer], objects=self.rng.choice([0, 0, 1]), features=self.rng.choice([1, 1, 2, 3]))
        return layer

    def diamond(self):
        self.words.forked = True  # what keeps its name can not come twice
        base = self.layer("base", objects=self.number(), features=self.rng.choice([0, 1]))
        self.words.forked = False
        sides = []
        for name in ("left", "right"):
            layer = layers.Layer(self, name)
            layer.add_base(base)
            layer.fields["namePrefix"] = name + "-"
            self.later.append(lambda layer=layer, name=name: layer.rename(name + "-", ""))
            layers.add_features(layer, self.rng.choice([0, 1, 2]))
            sides.append(self.finish(layer))
        return self.layer("top", sides, objects=self.rng.choice([0, 0, 1]), features=self.rng.choice([1, 2, 3]))

    def two_bases(self):
        one = self.layer("one", objects=self.number(), features=self.rng.choice([0, 1, 2]))
        two = self.layer("two", objects=self.rng.choice([1, 2]), features=self.rng.choice([0, 1, 2]))
        return self.layer("top", [one, two], objects=self.rng.choice([0, 0, 1]), features=self.rng.choice([1, 2, 3]))

    def components(self):
        base = self.layer("base", objects=self.number(), features=self.rng.choice([0, 1]))
        self.below = base.known
        parts = [self.layer(f"components/{name}", objects=self.rng.choice([0, 0, 1]), features=self.rng.choice([1, 1, 2]), kind="Component")
                 for name in ("one", "two")[: self.rng.choice([1, 1, 2])]]
        if self.words.some(0.15):
            parts = [self.layer("components/all", components=parts, features=1, kind="Component")]
        return self.layer("overlay", [base], parts, objects=self.rng.choice([0, 0, 1]), features=self.rng.choice([0, 1, 2, 3]))

    SHAPES = {"single": 30, "overlay": 30, "deep": 10, "diamond": 8, "two_bases": 7, "components": 15}

    def make(self):
        self.below = []
        self.shape = self.rng.choices(list(self.SHAPES), self.SHAPES.values())[0]
        top = getattr(self, self.shape)()
        self.fields.pop("kind", None)
        return Case(self.files, top.dir or ".", self.arguments())

    def arguments(self):
        return self.rng.choices([("--reorder", "none"), (), ("--reorder", "legacy"), ("--load-restrictor", "LoadRestrictionsNone")], [5, 4, 1, 0.5])[0]


MISTAKES = 0.12  # share of cases that get a mistake


def make(seed, share=MISTAKES):
    """(case, maker): the case of that seed, and what it consists of. share: how many get a mistake; over 1: several."""
    maker = Maker(seed)
    case = maker.make()
    case.seed = seed
    for _ in range(math.ceil(share)):
        if maker.rng.random() < share and case.files:
            case.mistake += ("," if case.mistake else "") + mistakes.make(maker.rng, case)
    return case, maker


def found(path):
    """The directories of cases at path: itself, or those below."""
    if (path / "target").is_file():
        return [path]
    return sorted(p.parent for p in path.rglob("target") if (p.parent / "in").is_dir())
