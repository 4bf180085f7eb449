"""Makes a case that fails smaller, as long as it fails in the same way: files go, then blocks of lines that belong
together by their indentation, then single lines and the ends of lines."""
import re

from .case import Case, Link


class Shrinker:
    def __init__(self, fails, budget=1500):
        """fails: Case -> bool, whether it still shows the difference."""
        self.fails = fails
        self.budget = budget
        self.seen = set()

    def shrink(self, case):
        best = case
        while self.budget > 0:
            before = self.size(best)
            best = self.lower_target(best)
            best = self.simpler_arguments(best)
            best = self.fewer_files(best)
            best = self.fewer_blocks(best)
            best = self.shorter_lines(best)
            if self.size(best) >= before:
                break
        return best

    @staticmethod
    def size(case):
        return sum(len(c.to) if isinstance(c, Link) else len(c) for c in case.files.values()) + 20 * len(case.files) + sum(map(len, case.arguments))

    def better(self, files, like, arguments=None, target=None):
        """A case with those files, if it fails as like does; else None."""
        case = Case(files, target or like.target, like.arguments if arguments is None else arguments, like.seed, like.mistake)
        key = case.key()
        if self.budget <= 0 or key in self.seen:
            return None
        self.seen.add(key)
        self.budget -= 1
        return case if self.fails(case) else None

    def lower_target(self, case):
        """A base by itself, where its overlay adds nothing to the difference."""
        for path in case.files:
            folder, _, name = path.rpartition("/")
            if name.lower().startswith("kustomization") and (folder or ".") != case.target:
                if found := self.better(case.files, case, target=folder or "."):
                    return found
        return case

    def simpler_arguments(self, case):
        for arguments in (("--reorder", "none"), ()):
            if arguments == case.arguments:
                break
            if found := self.better(case.files, case, arguments):
                return found
        return case

    def fewer_files(self, case):
        for path in sorted(case.files, key=lambda p: -len(p)):
            files = {p: c for p, c in case.files.items() if p != path}
            name = path.rsplit("/", 1)[-1]
            for other, content in files.items():  # and who names it
                if isinstance(content, bytes) and other.rsplit("/", 1)[-1].lower().startswith("kustomization"):
                    lines = [line for line in content.splitlines(keepends=True) if name.encode() not in line]
                    files[other] = b"".join(lines)
            if found := self.better(files, case):
                case = found
            else:
                files = {p: c for p, c in case.files.items() if p != path}
                case = self.better(files, case) or case
        return case

    @staticmethod
    def blocks(lines):
        """(start, end) of every line with what is indented deeper below it, larger ones first. A list's entries are
        below their key although they may stand in the same column."""
        depth = []
        for line in lines:
            text = line.lstrip(b" ")
            depth.append(len(line) - len(text) + (0.5 if text.startswith(b"-") else 0) if text.strip() else None)
        out = []
        for i, own in enumerate(depth):
            end = i + 1
            if own is not None:
                while end < len(lines) and (depth[end] is None or depth[end] > own):
                    end += 1
            out.append((i, end))
        return sorted(out, key=lambda b: b[0] - b[1])

    def fewer_blocks(self, case):
        for path in sorted(case.files, key=lambda p: -len(case.files[p]) if isinstance(case.files[p], bytes) else 0):
            changed = True
            while changed and self.budget > 0:
                changed = False
                content = case.files.get(path)
                if not isinstance(content, bytes):
                    break
                lines = content.splitlines(keepends=True)
                gone = set()
                for start, end in self.blocks(lines):
                    if gone.intersection(range(start, end)):
                        continue
                    drop = gone | set(range(start, end))
                    files = {**case.files, path: b"".join(line for i, line in enumerate(lines) if i not in drop)}
                    if found := self.better(files, case):
                        case, gone, changed = found, drop, True
        return case

    def shorter_lines(self, case):
        for path, content in list(case.files.items()):
            if not isinstance(content, bytes):
                continue
            lines = content.splitlines(keepends=True)
            for i, line in enumerate(lines):
                for shorter in self.simpler(line):
                    files = {**case.files, path: b"".join(lines[:i] + [shorter] + lines[i + 1:])}
                    if found := self.better(files, case):
                        case = found
                        lines[i] = shorter
                        break
        return case

    @staticmethod
    def simpler(line):
        """A line without its comment, its quotes, its anchors, or with a shorter value."""
        end = b"\n" if line.endswith(b"\n") else b""
        text = line.rstrip(b"\r\n")
        out = [re.sub(rb"\s+#.*$", b"", text), re.sub(rb"(: |- )(['\"])([\w./-]*)\2$", rb"\1\3", text), re.sub(rb" &[\w-]+", b"", text),
               re.sub(rb"^( *)['\"]([\w./-]*)['\"]:", rb"\1\2:", text)]
        match = re.match(rb"( *(?:- )?[\w./$'\"-]+: )(.{4,})$", text)
        if match:
            out += [match[1] + b"x", match[1] + match[2][: len(match[2]) // 2]]
        return [o + end for o in out if o != text]
