"""Names and values that occur in other people's manifests, the awkward ones among them."""
from .styled import Raw

NAMES = ["web", "api", "db", "cache", "worker", "app", "mysql", "wordpress", "config", "tls", "proxy", "the-map", "my.dotted",
         "sa", "job-1", "0start", "a"]
NAMESPACES = ["default", "prod", "staging", "kube-system", "team-a", "monitoring"]
LABEL_KEYS = ["app", "app.kubernetes.io/name", "app.kubernetes.io/part-of", "tier", "env", "release", "version", "team"]
LABEL_VALUES = ["web", "api", "backend", "frontend", "prod", "v1", "mysql", "1.2.3", "true", "1", "", "a_b.c-d", "0123", "1e3", "no"]
ANNOTATION_KEYS = ["note", "prometheus.io/scrape", "prometheus.io/port", "example.com/owner", "kubernetes.io/ingress.class",
                   "nginx.ingress.kubernetes.io/rewrite-target", "description", "build"]
IMAGES = ["nginx", "nginx:1.25", "nginx:latest", "busybox", "docker.io/library/redis:6", "registry.example.com:5000/team/app:v1",
          "registry.example.com:5000/team/app", "gcr.io/project/image@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
          "nginx:1.25@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3", "my-nginx:1", "nginx-ingress:2",
          "foo.bar/nginx:3", "postgres:15-alpine", "localhost/app:dev", "alpine:3.18.4"]
MERGE_NAMES = ["web", "sidecar", "init", "main", "proxy"]

# Scalars of every sort. Strings are written in any style, Raw as it stands.
LONG = ("this is a value that is a good deal longer than eighty columns, so that whoever writes it plain "
        "has to decide whether it is folded or not")
TEXTS = ["simple", "two words", "a: b", "a #b", "#hash", "- dash", "key: [x, y]", "it's", 'say "hi"', "", " ", " lead", "trail ",
         "true", "yes", "no", "on", "off", "null", "~", "123", "012", "0x1F", "1e3", "1.0", ".5", "1_000", "1:30", "2001-12-14",
         "2001-12-14t21:59:43.10-05:00", "2026-01-01T00:00:00Z", ".inf", ".nan", "NaN", "=", "<<", "!tag", "&amp", "*star", "@at", "`tick`",
         "%percent", "a\tb", "a\\b", "äöü", "日本語", "emoji 😀", "\u00a0nbsp", "e\u0301", "$(VAR)", "${SHELL}",
         "{{ .Values.x }}", "{a}", "[b]", "a, b", "-", "?", ":", ": x", "x:", "-1", "+1", "1.5Gi", "100m", "0.0.0.0/0", "::1", "y", "n", "Y", "N",
         "line one\nline two\n", "no newline\nat end", "keep\n\n", "\nlead newline\n", "a\n\n\nb\n", "  indented\nless\n",
         "trailing space \nhere\n", "tab\there\n\tindented\n", "#!/bin/sh\nset -e\necho \"$HOME\" # done\n", "{\"json\": [1, 2, {\"a\": null}]}",
         "{\n  \"json\": true\n}\n", "key=value\nother=1\n", LONG, LONG + "\n", LONG + "\nand a second line\n", "x" * 120, "a b " * 40,
         "word " * 16 + "end", "C:\\path\\to", "a\r\nb\r\n", "'", '"', "''", "a'b\"c", "--- not a document", "...", "--", "<",
         ">", "|", "0", "00", "0o17", "0b1", "1e400", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-0", "+.inf"]
CONTROLS = ["\u2028", "\ufeffbom", "\x07bell", "\x7f", "a\rb", "\x85", "\U0001f468\u200d\U0001f469", "\ud7ff", "\ue000", "\ufffd", "a\u2029b", "\x1b[0m"]
PARTS = [": ", " #", "#", "\n", "\n\n", "\n  ", "\t", "'", "''", '"', "\\", "  ", "    ", "\u00a0", "ä", "日本", "😀", "- ", "? ", "{", "}", "[", "]", ",", "&", "*", "!", "%", "@", "`", "|", ">", "=",
         "$(VAR)", "${X}", "http://host:80/", "true", "null", "~", "0x1F", "--", "...", "---", "\\n", " \n", "\n ", ":", "e\u0301", "\u200b"]
RAWS = ["yes", "no", "on", "off", "y", "n", "True", "FALSE", "~", "null", "Null", "NULL", "0x1F", "0o17", "017", "1_000", "1e3", "1E+3", ".5", "5.",
        "1.0", "1.50", "-.inf", ".NaN", "+1", "0b11", "1:30", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "!!str 123", "!!int \"3\"",
        "!!binary aGk=", "12345678901234567890", "0.1e-5", "1.0e+10", "-0", "-0.0", "00", "08", "1__0", "'single'", "\"dou\\x62le\"", "\"\\u00e4\"",
        "{}", "[]", "{a: 1}", "[1, two, '3']", "\"\"", "''", "=", "!custom x", "123456789", "3.14159265358979", "100000000000000000000000",
        "1e21", "1e20", "0.000001", "0.0000001", "1.7976931348623157e308"]


class Words:
    """A seeded source of them."""

    def __init__(self, rng, odd):
        self.rng = rng
        self.forked = False  # the objects are wanted by two layers that meet again
        self.odd = odd  # how often a value is an awkward one, 0 to 1

    def some(self, p):
        return self.rng.random() < p

    def pick(self, of):
        return self.rng.choice(of)

    def name(self):
        return self.pick(NAMES)

    def namespace(self):
        return self.pick(NAMESPACES)

    def text(self):
        """A value of an annotation or of data: always a string."""
        if self.some(self.odd):
            return self.pick(CONTROLS) if self.some(0.01) else self.composed() if self.some(0.3) else self.pick(TEXTS)
        return self.pick(["value", "plain text", "true", "8080", "https://example.com/path?x=1", "info", "1.2.3", "a=b", "first line\nsecond line\n"])

    def composed(self):
        """A text of parts that make a printer think: where to fold, what to quote, what to escape."""
        parts = [self.pick(PARTS) if self.some(0.4) else self.pick(["word", "a", "the", "configuration", "x" * self.rng.randint(1, 90), "1", "-"])
                 for _ in range(self.rng.choice([2, 5, 12, 30]))]
        return "".join(part + (" " if self.some(0.7) else "") for part in parts)

    def number(self):
        """A number, or nearly, in any of YAML's notations."""
        digits = str(self.rng.choice([self.rng.randint(0, 99), self.rng.randint(0, 10**12), self.rng.randint(0, 10**25)]))
        cut = self.rng.randint(0, len(digits))
        forms = [digits, "-" + digits, "+" + digits, "0" + digits, "0x" + digits, "0o" + digits, "0b" + digits, digits[:cut] + "." + digits[cut:], digits[:cut] + "_" + digits[cut:],
                 f"{digits[:cut]}.{digits[cut:]}e{self.rng.randint(-30, 30)}", f"{digits}e{self.rng.randint(0, 400)}", f"{digits}E+{self.rng.randint(0, 9)}", f"{digits[:2]}:{digits[2:4]}",
                 f"20{digits[:2]}-0{digits[-1]}-1{digits[0]}", "." + digits, digits + ".", f"-.{digits}", f"{digits}f", f"{digits}Mi", f"{digits}m"]
        return Raw(self.pick(forms))

    def scalar(self):
        """Any scalar at all."""
        if self.some(self.odd):
            return self.pick([lambda: Raw(self.pick(RAWS)), lambda: self.pick(TEXTS), self.number, self.composed])()
        return self.pick([1, 0, 8080, True, False, "text", "1", None, 1.5, -3])

    def labels(self, least=0, most=3):
        keys = self.rng.sample(LABEL_KEYS, self.rng.randint(least, most))
        return {k: self.pick(LABEL_VALUES if self.some(0.4) else LABEL_VALUES[:7]) for k in keys}

    def annotations(self, least=1, most=3):
        return {k: self.text() for k in self.rng.sample(ANNOTATION_KEYS, self.rng.randint(least, most))}

    def image(self):
        return self.pick(IMAGES)

    def integer(self):
        return self.pick([0, 1, 2, 3, 5, 10, 80, 443, 8080, 30080, 65535])

    def quantity(self):
        return self.pick(["100m", "1", "64Mi", "1Gi", "0.5", "250m", 1, 2, 0.5])

    def tree(self, depth=2):
        """Anything, for fields that no schema knows."""
        roll = self.rng.random()
        if depth == 0 or roll < 0.5:
            return self.scalar()
        if roll < 0.8:
            keys = self.rng.sample(["alpha", "beta", "gamma", "name", "image", "ref", "enabled", "on", "1", "size", "a.b/c"], self.rng.randint(0, 3))
            return {k: self.tree(depth - 1) for k in keys}
        return [self.tree(depth - 1) for _ in range(self.rng.randint(0, 3))]

    def shuffled(self, tree):
        """The same map with its keys in another order."""
        keys = list(tree)
        self.rng.shuffle(keys)
        return {k: tree[k] for k in keys}
