"""Differences of generated cases that stay, and how they are told from new ones.

A class has the name of its case in tests/peers/known, with its row in docs/compatibility.md. A failing case belongs to
it when the real program said what it says there, and when the cause, taken out of the case by a rewrite that changes
nothing else, takes the difference with it: the real program then builds, and both programs print what Capstan printed
before. What only looks like a class does not pass that, and stays a failure.
"""
import dataclasses
import json
import re
import typing

import yaml

from .case import Case, Link


def rewritten(case, change):
    """The case with change(path, text) -> text over its files; None when nothing changes."""
    files, changed = {}, False
    for path, content in case.files.items():
        files[path] = content
        if isinstance(content, Link):
            continue
        try:
            text = content.decode()
        except UnicodeDecodeError:
            continue
        files[path] = change(path, text).encode()
        changed |= files[path] != content
    return Case(files, case.target, case.arguments, case.seed, case.mistake) if changed else None


# --- comments in the text that kustomize makes of a patched resource ---

def spans(text):
    """(start, end) of every token of YAML, in order; comments are between them."""
    out = []
    for token in yaml.scan(text):
        out.append((token.start_mark.index, token.end_mark.index))
    return out


def bare(text):
    """YAML without its comments; as it is when it can not be read."""
    out, at = [], 0
    try:
        for start, end in [*spans(text), (len(text), len(text))]:
            if start > at:
                out.append(re.sub(r"#[^\n\r]*", "", text[at:start]))
            out.append(text[max(at, start):end])
            at = max(at, end)
    except yaml.YAMLError:
        return text
    return "".join(out)


def is_yaml(path):
    return path.endswith((".yaml", ".yml")) or path.rsplit("/", 1)[-1] == "Kustomization"


def without_comments(case):
    return rewritten(case, lambda path, text: bare(text) if is_yaml(path) else text)


def without_comments_in_texts(case):
    """In patches, too, that are the text of a field; they stand in kustomizations and in transformers."""
    def change(path, text):
        if not is_yaml(path):
            return text
        text = bare(text)
        if re.search(r"(?m)^ *(- )?(patch|patches|patchesStrategicMerge|paths):", text):
            text = re.sub(r"(?m)(^|[ \t])#.*$", "", text)
        return text
    return rewritten(case, change)


# --- JSON patches that test a text with characters that Go's JSON escapes ---

ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def has_escaped_test(patch):
    return isinstance(patch, list) and any(isinstance(o, dict) and o.get("op") == "test" and re.search("[<>&]", json.dumps(o.get("value"))) for o in patch)


def escape_patch(text):
    """A JSON patch written as Go writes it, if it has such a test; else as it is."""
    try:
        if not text.lstrip().startswith("[") or not has_escaped_test(json.loads(text)):
            return text
    except ValueError:
        return text
    return re.sub("[<>&]", lambda m: ESCAPED[m[0]], text)


def with_escaped_tests(case):
    def change(path, text):
        if not is_yaml(path):
            return escape_patch(text)
        # within YAML a patch is a text in single quotes or in a block; each is escaped where it stands
        return re.sub(r"\[.*?\](?='?[ \t]*(?:\n|$))", lambda m: escape_patch(m[0]), text, flags=re.DOTALL)
    return rewritten(case, change)


@dataclasses.dataclass
class Class:
    name: str
    says: str  # a pattern in what the real program says
    rewrites: typing.Sequence[typing.Callable]


CLASSES = [
    # yaml.v3's parser on the text that kyaml printed: after the dump of a whole resource, never of a file.
    Class("null-with-comment-becomes-map",
          r"map\[string\]interface \{\}\{.*\}: yaml: line \d+: (could not find expected|did not find expected|mapping values are not allowed)",
          [without_comments, without_comments_in_texts]),
    Class("json-patch-tests-escaped-text", r"testing value \S+ failed: test failed", [with_escaped_tests]),
]


def recognise(case, real, ours, ask_real, ask_ours):
    """The name of the class that the difference belongs to, or "". ask_*: Case -> Answer."""
    if real.good or not ours.good:
        return ""
    said = real.err.decode(errors="replace")
    for known in CLASSES:
        if not re.search(known.says, said, re.DOTALL):
            continue
        for rewrite in known.rewrites:
            other = rewrite(case)
            if other is None:
                continue
            theirs = ask_real(other)
            if theirs.good and theirs.out == ours.out and ask_ours(other).out == ours.out:
                return known.name
    return ""
