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


def has_escaped_test(text):
    """Whether a text is a JSON patch with such a test."""
    try:
        patch = json.loads(text) if text.lstrip().startswith("[") else []
    except ValueError:
        return False
    return any(isinstance(o, dict) and o.get("op") == "test" and re.search("[<>&]", json.dumps(o.get("value"))) for o in patch)


def escape(text):
    return re.sub("[<>&]", lambda m: ESCAPED[m[0]], text)


def escape_patches(text):
    """YAML in which such patches, the texts of fields, are as Go writes them."""
    out, at = [], 0
    try:
        for token in yaml.scan(text):
            if not isinstance(token, yaml.ScalarToken) or not has_escaped_test(token.value):
                continue
            start, end = token.start_mark.index, token.end_mark.index
            if token.style and token.style in "|>":
                start = text.index("\n", start)  # behind the header
            escaped = escape(text[start:end])
            # in double quotes a backslash is YAML's, and two are one of JSON's
            out += [text[at:start], escaped.replace("\\u00", "\\\\u00") if token.style == '"' else escaped]
            at = end
    except yaml.YAMLError:
        return text
    return "".join([*out, text[at:]])


def with_escaped_tests(case):
    def change(path, text):
        if is_yaml(path):
            return escape_patches(text)
        return escape(text) if has_escaped_test(text) else text
    return rewritten(case, change)


# --- names of images that are no patterns ---

def is_pattern(name):
    try:
        re.compile(f"^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$")
    except re.error:
        return False
    return True


def with_patterns(case):
    """With a name that no image has in the place of each that is no pattern."""
    def change(path, text):
        out, at, name = [], 0, False
        try:
            for token in yaml.scan(text) if is_yaml(path) else ():
                scalar = isinstance(token, yaml.ScalarToken)
                if scalar and name and not is_pattern(token.value):
                    out += [text[at:token.start_mark.index], "no-such-image"]
                    at = token.end_mark.index
                if not isinstance(token, yaml.ValueToken):
                    name = scalar and token.value == "name"
        except yaml.YAMLError:
            return text
        return "".join([*out, text[at:]])
    return rewritten(case, change)


# --- what Capstan refuses ---

def without_rest(case, said):
    """Without what stands behind a document's end, in every file of which Capstan complains so, one after the other."""
    match = re.search(r"(\S+):(\d+):\d+: there is content behind the end of the document", said)
    if not match:
        return None

    def change(path, text):
        return "".join(text.splitlines(keepends=True)[: int(match[2]) - 1]) if path == match[1] or path.endswith("/" + match[1]) else text
    return rewritten(case, change)


def validators_as_transformers(case, said):
    """Validators that may change what they like, where they add the label that says so."""
    if not any(b"validated-by" in c for c in case.files.values() if isinstance(c, bytes)):
        return None
    return rewritten(case, lambda path, text: re.sub(r"(?m)^( *[\"']?)validators\b", r"\1transformers", text) if "transformers" not in text else text)


def without_twin(case, said):
    """Without the second line of a key that is twice in a map, where each of them is one line."""
    match = re.search(r"(\S+):\d+:\d+: the key `[^`]*` is there twice: on line (\d+) and on line (\d+)", said)
    if not match:
        return None
    line = int(match[3])

    def change(path, text):
        lines = text.splitlines(keepends=True)
        return "".join(lines[: line - 1] + lines[line:]) if path == match[1] or path.endswith("/" + match[1]) else text
    return rewritten(case, change)


def has_tag_beside(match, case, real):
    """Whether the text that Capstan refuses stands with that tag in a file, or in what the real program prints."""
    tagged = f"{match[2]} {match[1]}".encode()
    return tagged in real.out or any(tagged in c for c in case.files.values() if isinstance(c, bytes))


# --- line breaks that are no newline ---

def same_but_for_blanks_at_breaks(real, ours):
    """Whether the outputs differ only in how many blanks stand behind U+0085, U+2028 and U+2029."""
    folded = [re.sub("([\x85\u2028\u2029]) *", r"\1", answer.out.decode(errors="surrogateescape")) for answer in (real, ours)]
    return folded[0] == folded[1]


@dataclasses.dataclass
class Class:
    name: str
    says: str  # a pattern in what the real program says as it fails
    rewrites: typing.Sequence[typing.Callable]  # Case -> Case without the cause, or None


CLASSES = [
    # yaml.v3's parser on the text that kyaml printed: after the dump of a whole resource, never of a file.
    Class("null-with-comment-becomes-map",
          r"map\[string\]interface \{\}\{.*\}: yaml: (line \d+: (could not find expected|did not find expected|mapping values are not allowed)|invalid map key)",
          [without_comments, without_comments_in_texts]),
    Class("image-pattern-is-invalid-in-component", r"invalid memory address or nil pointer dereference", [with_patterns]),
    Class("json-patch-tests-escaped-text", r"testing value \S+ failed: test failed", [with_escaped_tests]),
]


# Where only the real program builds: what Capstan says, and a rewrite (case, what it said) -> case, or None.
REFUSALS = {
    "less-indented-rest-of-resource": (r"there is content behind the end of the document", without_rest),
    "duplicate-null-annotations": (r"is there twice: on line", without_twin),
    "validated-by-beside-labels": (r"the validator changes resources", validators_as_transformers),
}
MISFIT = "name-that-is-no-number"
# Where both build: whether that is all the difference.
OUTPUTS = {"next-line-and-separators": same_but_for_blanks_at_breaks}
NAMES = {MISFIT, *OUTPUTS, *REFUSALS, *(c.name for c in CLASSES)}


def accepted(case, real, ours, ask_real, ask_ours):
    """The class of a case that Capstan alone builds."""
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


def refused(case, real, ours, ask_real, ask_ours):
    """The class of a case that the real program alone builds."""
    said = ours.err.decode(errors="replace")
    match = re.search(r"`([^`]*)` is not a value of type (!!\w+)", said)
    if match:
        return MISFIT if has_tag_beside(match, case, real) else ""
    for name, (says, rewrite) in REFUSALS.items():
        other = case
        for _ in range(10):  # one place after the other
            if not re.search(says, said):
                break
            other = rewrite(other, said)
            if other is None:
                break
            mine = ask_ours(other)
            if mine.good:
                return name if mine.out == real.out and ask_real(other).out == real.out else ""
            said = mine.err.decode(errors="replace")
    return ""


def recognise(case, real, ours, ask_real, ask_ours):
    """The name of the class that the difference belongs to, or "". ask_*: Case -> Answer."""
    if ours.status < 0 or (ours.out and not ours.good):
        return ""  # a crash, or output beside an error
    if real.good and ours.good:
        return next((name for name, fits in OUTPUTS.items() if fits(real, ours)), "")
    if ours.good:
        return accepted(case, real, ours, ask_real, ask_ours)
    return refused(case, real, ours, ask_real, ask_ours) if real.good else ""
