#!/usr/bin/env python3
"""pack_schema.py OUTPUT.c INPUT: C tables (builtin.h) of a .schema file (its form: scripts/gen-schemas)."""
import pathlib
import re
import sys

SCALARS = ["any", "object", "string", "time", "bytes", "quantity", "int-or-string", "int32", "int64", "number", "bool"]


class Tables:
    def __init__(self):
        self.strings, self.at = bytearray(b"\0"), {"": 0}
        self.types, self.known = [], {}
        self.fields, self.values = [], []
        for name in SCALARS:
            self.known[name] = self.add("BUILTIN_" + name.upper().replace("-", "_"), 0, 0)

    def text(self, value):
        if value not in self.at:
            self.at[value] = len(self.strings)
            self.strings += value.encode() + b"\0"
        return self.at[value]

    def add(self, kind, first, n):
        self.types.append((kind, first, n))
        return len(self.types) - 1

    def type_of(self, text, everything):
        if text not in self.known:
            self.known[text] = self.make(text, everything)
        return self.known[text]

    def make(self, text, everything):
        if match := re.fullmatch(r"\[(.*)\]([^\])]*)", text):
            keys = "=" if match[2] == "set" else match[2]
            return self.add("BUILTIN_LIST", self.type_of(match[1], everything), self.text(keys))
        if match := re.fullmatch(r"\{(.*)\}", text):
            return self.add("BUILTIN_MAP", self.type_of(match[1], everything), 0)
        values = re.fullmatch(r"enum\((.*)\)", text)[1].split("|")
        first = len(self.values)
        for value in values:
            name, mask = cut_mask(value.replace("_", " "), everything)
            self.values.append((self.text(name), mask))
        return self.add("BUILTIN_ENUM", first, len(values))


def cut_mask(text, everything):
    match = re.fullmatch(r"(.*)@([0-9a-f]+)", text)
    return (match[1], int(match[2], 16)) if match else (text, everything)


def split_api(api):
    return api.split("/") if "/" in api else ("", api)


def read(path):
    tables, kinds, lives, versions, models = Tables(), [], [], [], {}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    versions = next(line for line in lines if line.startswith("versions ")).split()[1:]
    everything = (1 << len(versions)) - 1
    for line in lines:
        if line.startswith("type "):
            models[line[5:]] = []
            current = models[line[5:]]
            tables.known[line[5:]] = tables.add("BUILTIN_FIELDS", 0, 0)
        elif line.startswith(" "):
            current.append(line.split())
    for name, fields in models.items():
        packed = []
        for field, kind, *mask in sorted(fields):
            field, mark, must = field.partition("!")
            mask = int(mask[0][1:], 16) if mask else everything
            required = (int(must, 16) if must else mask) if mark else 0
            packed.append((tables.text(field), tables.type_of(kind, everything), mask, required))
        packed.sort(key=lambda f: bytes(tables.strings[f[0]:tables.strings.index(0, f[0])]))
        tables.types[tables.known[name]] = ("BUILTIN_FIELDS", len(tables.fields), len(packed))
        tables.fields += packed
    for line in lines:
        if line.startswith("kind "):
            _, api, kind, scope, model, *mask = line.split()
            group, version = split_api(api)
            mask = int(mask[0][1:], 16) if mask else everything
            kinds.append((kind, group, version, tables.known[model], mask, int(scope == "n")))
        elif line.startswith("lifecycle "):
            _, api, kind, deprecated, removed, use = line.split()
            lives.append((kind, *split_api(api), int(deprecated), int(removed), "" if use == "-" else use))
    return tables, sorted(kinds), sorted(lives), versions


def write(out, tables, kinds, lives, versions):
    kind_rows = [(tables.text(k), tables.text(g), tables.text(v), t, m, s) for k, g, v, t, m, s in kinds]
    life_rows = [(tables.text(k), tables.text(g), tables.text(v), tables.text(u), d, r) for k, g, v, d, r, u in lives]
    for rows in (tables.strings, tables.types, tables.fields, tables.values):
        assert len(rows) < 65536, "16 bits are too few: widen builtin.h"

    def rows(declaration, items):
        out.write(f"const {declaration}[] = {{\n")
        for item in items:
            out.write("\t{ " + ", ".join(str(i) for i in item) + " },\n")
        out.write("};\n")

    out.write('#include "check/builtin.h"\n\n')
    rows("struct builtin_type builtin_types", tables.types)
    rows("struct builtin_field builtin_fields", tables.fields)
    rows("struct builtin_value builtin_values", tables.values)
    rows("struct builtin_kind builtin_kinds", kind_rows)
    rows("struct builtin_life builtin_lives", life_rows)
    out.write("const char builtin_strings[] = {\n")
    for i in range(0, len(tables.strings), 24):
        out.write("\t" + ",".join(str(b) for b in tables.strings[i:i + 24]) + ",\n")
    out.write("};\n")
    oldest, newest = (int(v.split(".")[1]) for v in (versions[0], versions[-1]))
    assert newest - oldest + 1 == len(versions), "minors must follow each other"
    sizes = ", ".join(str(len(x)) for x in (tables.types, tables.fields, tables.values, kind_rows, life_rows))
    out.write(f"const struct builtin_sizes builtin_sizes = {{ {sizes}, {oldest}, {newest} }};\n")


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        write(out, *read(pathlib.Path(sys.argv[2])))


main()
