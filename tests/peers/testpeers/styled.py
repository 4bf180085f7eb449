"""Writes trees as YAML in the styles that people write by hand, chosen by a seeded random source.

A tree is made of dict, list, str, int, float, bool, None and Raw (a scalar whose text stands as it is). What a style does
to a value does not matter: both programs read the same text. Most of it is valid YAML.
"""
import json
import re

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./\\-]*(:[A-Za-z0-9_./-]+)*( [A-Za-z0-9_./\\-]+)*\Z")
WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
COMMENTS = ["comment", "tune this for production", "keep in sync with prod", "höhere Last", "a: b", "- x", "{{ template }}",
            "a rather long comment that goes on for more than eighty columns, as people write when they explain a thing",
            "#", "'quoted'", "# nested"]


class Raw(str):
    """A scalar, verbatim."""


class Code(str):
    """A text whose line breaks matter, such as an inline patch: a literal block, or escaped."""


class Styles:
    """How one file is written. wild: 0 (as a tidy person writes) to 1."""

    def __init__(self, rng, wild):
        self.rng = rng
        self.wild = wild
        some = lambda p: rng.random() < p  # noqa: E731
        self.step = rng.choice([2, 2, 2, 2, 4, 3, 1]) if some(wild) else 2
        self.seq_indent = rng.choice([0, 2])
        self.comments = wild * rng.choice([0, 0, 0.05, 0.15])
        self.quotes = wild * rng.choice([0.05, 0.2, 0.5, 0.9])
        self.flow = wild * rng.choice([0, 0.05, 0.15])
        self.anchors = wild * rng.choice([0, 0, 0.1, 0.4])
        self.blank = wild * rng.choice([0, 0, 0.05])
        self.odd_keys = wild * 0.02
        self.tags = wild * rng.choice([0, 0, 0, 0.03])
        self.crlf = some(wild * 0.02)
        self.start = some(0.3)
        self.end_newline = not some(wild * 0.1)
        self.quote = rng.choice("'\"")


def document(rng, tree, wild=0.5, styles=None):
    """One document as text, without a separator in front."""
    writer = Writer(styles or Styles(rng, wild))
    return writer.document(tree)


def stream(rng, trees, wild=0.5):
    """Documents of one file."""
    styles = Styles(rng, wild)
    parts = []
    for i, tree in enumerate(trees):
        writer = Writer(styles)
        if i or styles.start:
            parts.append("---" + writer.trail(0.2) + "\n")
        parts.append(writer.document(tree))
    if rng.random() < wild * 0.05:
        parts.append("---\n")
    if rng.random() < wild * 0.03:
        parts.append("...\n")
    text = "".join(parts)
    if not styles.end_newline:
        text = text.rstrip("\n")
    if styles.crlf:
        text = text.replace("\n", "\r\n")
    return text


def jsonlike(tree, indent=None):
    return json.dumps(tree, indent=indent)


class Writer:
    def __init__(self, styles):
        self.s = styles
        self.rng = styles.rng
        self.lines = []
        self.anchored = []  # (tree, name), in order
        self.names = 0

    def some(self, p):
        return self.rng.random() < p

    def document(self, tree):
        self.comment_lines(0, 0.5)
        if isinstance(tree, dict) and tree:
            self.mapping(tree, 0)
        elif isinstance(tree, list) and tree:
            self.sequence(tree, 0)
        else:
            self.lines.append(self.inline(tree))
        self.comment_lines(0, 0.3)
        return "\n".join(self.lines) + "\n"

    # --- comments ---

    def comment_lines(self, indent, weight=1.0):
        if self.some(self.s.comments * weight):
            for _ in range(self.rng.choice([1, 1, 2])):
                self.lines.append(" " * indent + "# " + self.rng.choice(COMMENTS))
            if self.some(0.2):
                self.lines.append("")
        elif self.some(self.s.blank):
            self.lines.append("")

    def trail(self, weight=1.0):
        if self.some(self.s.comments * weight):
            return self.rng.choice(["  ", " "]) + "# " + self.rng.choice(COMMENTS)
        return ""

    # --- collections in block style ---

    def mapping(self, tree, indent, prefix=None):
        """prefix: what the first line begins with instead of the indentation, such as "  - "."""
        merged = self.merge_key(tree)
        rest = tree
        if merged:
            name, base = merged
            rest = {k: v for k, v in tree.items() if k not in base}
            self.lines.append((prefix or " " * indent) + f"<<: *{name}")
            prefix = None
        for key, value in rest.items():
            if prefix is None:
                self.comment_lines(indent)
            self.value((prefix or " " * indent) + self.key(key) + ":", value, indent, in_map=True)
            prefix = None

    def sequence(self, tree, indent, prefix=None):
        for item in tree:
            if prefix is None:
                self.comment_lines(indent, 0.5)
            pad = prefix or " " * indent
            prefix = None
            dash = "-" + " " * (3 if self.some(self.s.wild * 0.02) else 1)
            nested = item and not self.flow_now(item) and not self.anchor_now(item)
            if isinstance(item, dict) and nested:
                self.mapping(item, indent + len(dash), pad + dash)
            elif isinstance(item, list) and nested:
                self.sequence(item, indent + len(dash), pad + dash)
            else:
                self.value(pad + "-", item, indent, in_map=False)

    def value(self, head, value, indent, in_map):
        """What follows "key:" or "-", on this line or on the next ones."""
        alias = self.alias(value)
        if alias:
            self.lines.append(f"{head} *{alias}")
            return
        anchor = self.new_anchor(value)
        mark = f" &{anchor}" if anchor else ""
        if isinstance(value, dict) and value and not (self.flow_now(value)):
            self.lines.append(head + mark + self.trail())
            self.mapping(value, indent + max(self.s.step, 1 if in_map else 2))
        elif isinstance(value, list) and value and not self.flow_now(value):
            self.lines.append(head + mark + self.trail())
            self.sequence(value, indent + (self.s.seq_indent if in_map else 2))
        else:
            self.scalar(head + mark, value, indent)

    def flow_now(self, value):
        return self.s.flow and len(str(value)) < 200 and self.some(self.s.flow)

    # --- anchors ---

    def anchor_now(self, value):
        return self.alias_of(value) is not None or (self.s.anchors and self.some(self.s.anchors * 0.3))

    def alias_of(self, value):
        if value in ({}, []) or not isinstance(value, (dict, list, str)):
            return None
        for tree, name in self.anchored:
            if type(tree) is type(value) and tree == value:
                return name
        return None

    def alias(self, value):
        name = self.alias_of(value)
        return name if name and self.some(0.8) else None

    def new_anchor(self, value):
        if not self.s.anchors or value is None or not self.some(self.s.anchors * 0.3):
            return None
        self.names += 1
        name = self.rng.choice(["a", "common-", "x_", "Ref"]) + str(self.names)
        self.anchored.append((value, name))
        return name

    def merge_key(self, tree):
        for base, name in self.anchored:
            if isinstance(base, dict) and base and base != tree and all(k in tree and tree[k] == v for k, v in base.items()):
                return name, base
        return None

    # --- scalars ---

    def key(self, key):
        text = str(key)
        if PLAIN.match(text) and text.lower() not in WORDS:
            if self.some(self.s.odd_keys):
                return self.rng.choice([f'"{text}"', f"'{text}'", text + " "])
            return text
        if re.match(r"[A-Za-z$][A-Za-z0-9_./$()-]*\Z", text) and self.some(0.7):
            return text
        return double(text) if "\n" in text or "'" in text or not text.isprintable() else f"'{text}'"

    def scalar(self, head, value, indent):
        if isinstance(value, Code) and "\n" in value:
            if self.block_ok(value) and self.some(0.97):
                self.block(head, value, indent)
            else:
                self.lines.append(f"{head} {double(value)}")
            return
        if isinstance(value, str) and not isinstance(value, Raw):
            if "\n" in value and self.block_ok(value) and self.some(0.85):
                self.block(head, value, indent)
                return
            if self.s.wild and " " in value and self.some(self.s.wild * 0.08) and value.strip() == value:
                self.folded_flow(head, value, indent)
                return
            if self.s.wild and value and self.some(self.s.wild * 0.01) and self.block_ok(value):
                self.block(head, value, indent)
                return
        text = self.inline(value)
        trail = self.trail()
        if text == "" and not trail:
            self.lines.append(head)
        else:
            self.lines.append(f"{head} {text}{trail}".rstrip(" ") if not text.endswith(" ") else f"{head} {text}{trail}")

    @staticmethod
    def block_ok(value):
        first = value.split("\n", 1)[0]
        return value.strip(" \n") != "" and all(c.isprintable() or c in "\n\t" for c in value) and "\t" not in first[:1]

    def block(self, head, value, indent):
        body = value.split("\n")
        keep = len(value) - len(value.rstrip("\n"))
        chomp = "-" if keep == 0 else "" if keep == 1 else "+"
        body = value.rstrip("\n").split("\n")
        step = self.rng.choice([2, 2, 2, 4])
        style = "|"
        if self.some(0.15) and not isinstance(value, Code):
            style = ">"
        explicit = ""
        first = next((b for b in body if b.strip(" ")), "")
        if first.startswith(" ") or body[0].strip(" ") == "":
            explicit = str(step)
        order = self.rng.choice([explicit + chomp, chomp + explicit])
        self.lines.append(f"{head} {style}{order}" + self.trail(0.3))
        pad = " " * (indent + step)
        for line in body:
            self.lines.append(pad + line if line else "")
        self.lines += [""] * max(0, keep - 1)

    def folded_flow(self, head, value, indent):
        """A plain or quoted scalar over several lines."""
        words = value.split(" ")
        if len(words) < 2 or any(c in value for c in "\n\\\"'\t") or not value.isprintable() or "" in words:
            self.lines.append(f"{head} {self.inline(value)}")
            return
        cut = self.rng.randint(1, len(words) - 1)
        one, two = " ".join(words[:cut]), " ".join(words[cut:])
        quote = self.rng.choice(['"', "'"])
        pad = " " * (indent + 2)
        if quote == '"' and self.some(0.2):
            self.lines += [f"{head} {quote}{one} \\", f"{pad}\\{two}{quote}" if self.some(0.3) else f"{pad}{two}{quote}"]
        else:
            self.lines += [f"{head} {quote}{one}", f"{pad}{two}{quote}"]

    def inline(self, value):
        if isinstance(value, Raw):
            return str(value)
        if value is None:
            return self.rng.choice(["null", "~", "", "Null"]) if self.some(self.s.wild) else "null"
        if value is True or value is False:
            word = "true" if value else "false"
            return self.rng.choice([word, word.title(), word.upper()]) if self.some(self.s.wild * 0.1) else word
        if isinstance(value, (int, float)):
            return self.number(value)
        if isinstance(value, dict):
            return self.flow_map(value)
        if isinstance(value, list):
            return self.flow_seq(value)
        return self.string(value)

    def number(self, value):
        if isinstance(value, int) and value >= 0 and self.some(self.s.wild * 0.03):
            return self.rng.choice([hex(value), "0o" + oct(value)[2:], "0" + oct(value)[2:], f"+{value}", f"{value}.0",
                                    f"{value:_}", f"{value}e0", "0b" + bin(value)[2:]])
        return repr(value)

    def flow_map(self, value):
        inner = ", ".join(f"{self.flow_key(k)}: {self.flow_item(v)}".rstrip() for k, v in value.items())
        pad = self.rng.choice(["", "", " "]) if inner else ""
        return "{" + pad + inner + pad + "}"

    def flow_key(self, key):
        text = str(key)
        return text if re.match(r"[A-Za-z][A-Za-z0-9_./-]*\Z", text) and text.lower() not in WORDS else double(text)

    def flow_seq(self, value):
        pad = self.rng.choice(["", "", " "]) if value else ""
        return "[" + pad + ", ".join(self.flow_item(v) for v in value) + pad + "]"

    def flow_item(self, value):
        if isinstance(value, str):
            if isinstance(value, Raw):
                return str(value) if not any(c in value for c in ",[]{}#") and str(value) else double(str(value))
            return value if re.match(r"[A-Za-z][A-Za-z0-9_./-]*\Z", value) and value.lower() not in WORDS else double(value)
        if value is None:
            return "null"
        return self.inline(value)

    def string(self, value):
        safe = PLAIN.match(value) and value.lower() not in WORDS
        tag = ""
        if self.some(self.s.tags):
            tag = self.rng.choice(["!!str ", "!!str ", "! "])
        if safe and not self.some(self.s.quotes):
            return tag + value
        if not value.isprintable() or "'" in value and self.some(0.5) or "\\" in value:
            return tag + double(value, self.rng)
        quote = self.s.quote if self.some(0.8) else self.rng.choice("'\"")
        if quote == "'" and value.isprintable():
            return tag + "'" + value.replace("'", "''") + "'"
        return tag + double(value, self.rng)


def double(value, rng=None):
    out = []
    for c in value:
        if c in "\\\"":
            out.append("\\" + c)
        elif c == "\n":
            out.append("\\n")
        elif c == "\t":
            out.append("\\t")
        elif ord(c) > 0x7e and rng and rng.random() < 0.2:
            out.append(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")
        elif not c.isprintable():
            out.append(f"\\x{ord(c):02x}" if ord(c) < 0x100 else f"\\u{ord(c):04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'
