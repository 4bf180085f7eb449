"""Mistakes as people make them, put into a good case. Upstream refuses most; some it takes, and then so must we."""
import re


def kustomizations(case):
    return [p for p in case.files if p.rsplit("/", 1)[-1] in ("kustomization.yaml", "kustomization.yml", "Kustomization")]


def others(case):
    return [p for p in case.files if p not in kustomizations(case) and isinstance(case.files[p], bytes)]


def folder(path):
    return path.rsplit("/", 1)[0] + "/" if "/" in path else ""


def add_line(case, path, text):
    content = case.files[path]
    case.files[path] = content + (b"" if content.endswith(b"\n") else b"\n") + text.encode()


def missing_file(rng, case):
    del case.files[rng.choice(others(case) or kustomizations(case))]


def missing_kustomization(rng, case):
    del case.files[rng.choice(kustomizations(case))]


def two_kustomizations(rng, case):
    path = rng.choice(kustomizations(case))
    other = "kustomization.yml" if not path.endswith(".yml") else "kustomization.yaml"
    case.files[folder(path) + other] = case.files[path]


def empty_kustomization(rng, case):
    case.files[rng.choice(kustomizations(case))] = rng.choice([b"", b"\n", b"{}\n", b"# nothing\n", b"---\n", b"kind: Kustomization\n", b"null\n", b"[]\n", b"text\n"])


def unknown_field(rng, case):
    add_line(case, rng.choice(kustomizations(case)), rng.choice(["resource: []\n", "patch: x\n", "namespaces: x\n", "nameprefix: lower-\n", "NAMESUFFIX: -up\n", "spec: {}\n"]))


def wrong_type(rng, case):
    add_line(case, rng.choice(kustomizations(case)), rng.choice([
        "namePrefix: 1\n", "namePrefix: [a]\n", "resources: x.yaml\n", "images: {}\n", "replicas:\n- name: a\n  count: three\n", "commonLabels: [a]\n", "commonLabels:\n  a: 1\n",
        "commonAnnotations:\n  a: true\n", "labels: {}\n", "patches: text\n", "buildMetadata: originAnnotations\n", "namespace: null\n", "resources: null\n", "generatorOptions: []\n",
        "sortOptions: legacy\n", "vars: {}\n", "openapi: x\n", "metadata: x\n", "configMapGenerator:\n- name: [a]\n", "replacements: {}\n"]))


def bad_value(rng, case):
    add_line(case, rng.choice(kustomizations(case)), rng.choice([
        "sortOptions:\n  order: random\n", "buildMetadata: [nothing]\n", "openapi:\n  version: v1.0.0\n", "openapi:\n  version: v1.21.2\n  path: x\n", "apiVersion: v2\n", "kind: Deployment\n",
        "images:\n- name: a\n  newTag: 1\n", "images:\n- newTag: x\n", "replicas:\n- name: nobody\n  count: 2\n", "replicas:\n- count: 2\n",
        "configMapGenerator:\n- literals: [a=b]\n", "configMapGenerator:\n- name: x\n  behavior: other\n", "configMapGenerator:\n- name: x\n  behavior: merge\n",
        "configMapGenerator:\n- name: x\n  literals: [novalue]\n", "configMapGenerator:\n- name: x\n  literals: [=v]\n", "configMapGenerator:\n- name: x\n  literals: ['a b=v']\n",
        "configMapGenerator:\n- name: x\n  literals: [a=1, a=2]\n", "configMapGenerator:\n- name: x\n  files: [missing.txt]\n", "configMapGenerator:\n- name: x\n  files: [a=b=c]\n",
        "secretGenerator:\n- name: x\n  envs: [missing.env]\n", "secretGenerator:\n- name: x\n  type: 5\n", "configMapGenerator:\n- name: x\n- name: x\n",
        "commonLabels:\n  'bad key!': x\n", "commonLabels:\n  ok: 'bad value!'\n", "commonAnnotations:\n  'bad key!': x\n", "namespace: Bad_NS\n", "namePrefix: UPPER-\n", "namePrefix: ''\n",
        "vars:\n- name: V\n  objref:\n    kind: Nothing\n    name: none\n    apiVersion: v1\n", "vars:\n- name: V\n- name: V\n",
        "replacements:\n- source: {kind: Nothing}\n  targets: [{select: {kind: Deployment}}]\n", "replacements:\n- path: missing.yaml\n", "replacements:\n- targets: []\n", "replacements:\n- {}\n",
        "replacements:\n- sourceValue: x\n  targets: [{select: {kind: Deployment}, fieldPaths: [spec.nothing.here]}]\n", "crds: [missing.json]\n", "components: [nowhere]\n", "resources: [nowhere]\n",
        "resources: ['']\n", "resources: [.]\n", "resources: [..]\n", "resources: [/etc/hostname]\n", "resources: [../../../../../../etc/hostname]\n", "configurations: [missing.yaml]\n",
        "transformers: [missing.yaml]\n", "transformers:\n- |\n  apiVersion: builtin\n  kind: NoTransformer\n  metadata: {name: x}\n", "validators:\n- |\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: x}\n  prefix: a\n  fieldSpecs: [{path: metadata/name}]\n",
        "transformers:\n- |\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: x}\n  prefix: a\n", "generators:\n- |\n  apiVersion: example.com/v1\n  kind: Custom\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        exec:\n          path: ./run\n",
        "helmCharts:\n- name: x\n  repo: https://example.invalid\n", "patches:\n- patch: ''\n", "patches:\n- path: missing.yaml\n", "patches:\n- {}\n", "patches:\n- patch: '[]'\n", "patches:\n- patch: 'text'\n",
        "patches:\n- patch: |\n    - op: replace\n      path: /spec/x\n      value: 1\n", "patches:\n- target: {kind: Nothing}\n  patch: |\n    - op: remove\n      path: /spec/nothing\n",
        "patches:\n- target: {name: '('}\n  patch: |\n    - {op: add, path: /a, value: 1}\n", "patches:\n- target: {labelSelector: 'a in'}\n  patch: |\n    - {op: add, path: /a, value: 1}\n",
        "patches:\n- target: {kind: '.*'}\n  patch: |\n    - {op: remove, path: /nothing/here}\n", "patches:\n- target: {kind: '.*'}\n  patch: |\n    - {op: frob, path: /a}\n",
        "patches:\n- target: {kind: '.*'}\n  patch: |\n    - {op: test, path: /kind, value: Nothing}\n", "patches:\n- target: {kind: '.*'}\n  patch: |\n    - {op: add, path: nopointer, value: 1}\n",
        "patches:\n- patch: |\n    kind: Deployment\n    metadata: {name: nobody}\n", "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: nobody}\n",
        "patchesStrategicMerge: [missing.yaml]\n", "patchesStrategicMerge:\n- |\n  apiVersion: v1\n  kind: Service\n  metadata: {name: nobody}\n", "patchesJson6902:\n- path: x\n", "patchesJson6902:\n- target: {kind: Service, name: nobody, version: v1}\n  patch: '[{\"op\": \"remove\", \"path\": \"/spec\"}]'\n",
        "patches:\n- target: {kind: '.*'}\n  patch: |\n    kind: X\n    metadata: {name: y}\n", "patches:\n- target: {kind: '.*'}\n  patch: |\n    {$patch: delete}\n", "images: [{name: 'a(', newTag: b}]\n"]))


def cycle(rng, case):
    path = rng.choice(kustomizations(case))
    here = folder(path)
    up = "../" * here.count("/")
    target = case.target if case.target != "." else ""
    add_line(case, path, f"components:\n- {up}{target or '.'}\n" if rng.random() < 0.3 else f"bases:\n- {up}{target or '.'}\n")


def duplicate(rng, case):
    path = rng.choice(kustomizations(case))
    files = [p for p in others(case) if p.startswith(folder(path)) and b"kind:" in case.files[p]]
    if files:
        name = rng.choice(files)[len(folder(path)):]
        add_line(case, path, f"bases:\n- {name}\n")


def component_as_resource(rng, case):
    path = rng.choice(kustomizations(case))
    case.files[path] = re.sub(rb"(?m)^(components|resources):", lambda m: b"resources:" if m[1] == b"components" else b"components:", case.files[path])


def change_kind(rng, case):
    path = rng.choice(others(case) or kustomizations(case))
    field = rng.choice([b"kind", b"name", b"apiVersion", b"metadata"])
    case.files[path] = re.sub(rb"(?m)^( *)" + field + rb":", rng.choice([rb"\1x" + field + b":", rb"\1" + field.upper() + b":"]), case.files[path], count=1)


def cut(rng, case):
    """The end of a file is lost."""
    path = rng.choice(list(case.files))
    content = case.files[path]
    case.files[path] = content[: rng.randint(0, len(content))]


def lose_line(rng, case):
    path = rng.choice(list(case.files))
    lines = case.files[path].splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    case.files[path] = b"".join(lines)


def repeat_line(rng, case):
    path = rng.choice(list(case.files))
    lines = case.files[path].splitlines(keepends=True)
    if lines:
        at = rng.randrange(len(lines))
        lines.insert(at, lines[at])
    case.files[path] = b"".join(lines)


def shift_line(rng, case):
    """Wrong indentation."""
    path = rng.choice(list(case.files))
    lines = case.files[path].splitlines(keepends=True)
    if lines:
        at = rng.randrange(len(lines))
        lines[at] = b"  " + lines[at] if rng.random() < 0.5 or not lines[at].startswith(b" ") else lines[at][1:]
    case.files[path] = b"".join(lines)


def odd_byte(rng, case):
    path = rng.choice(list(case.files))
    content = case.files[path]
    at = rng.randint(0, len(content))
    byte = rng.choice([b"\t", b"'", b'"', b":", b"#", b"- ", b"{", b"]", b"&", b"*", b"!", b"|", b"%", b"@", b"\x00", b"\xff", b"\xc3\xa4", b"\n", b" ", b"\\", b"?", b"\x7f", b"\xef\xbb\xbf", b"\xe2\x80\xa8"])
    case.files[path] = content[:at] + byte + content[at:]


def change_scalar(rng, case):
    """A value becomes another one, anywhere."""
    path = rng.choice(list(case.files))
    found = list(re.finditer(rb"(?m)(: |- )([^\s#'\"|>&*{\[][^\n]*)$", case.files[path]))
    if found:
        at = rng.choice(found)
        value = rng.choice([b"null", b"", b"[]", b"{}", b"true", b"1", b"-", b"'x'", b"text", b"0.5", b"[a, {b: c}]", b"{a: {b: c}}", b"*no", b"&x y", b"!!int x", b"|", b"? x"])
        case.files[path] = case.files[path][: at.start(2)] + value + case.files[path][at.end(2):]


ALL = {missing_file: 2, missing_kustomization: 1, two_kustomizations: 1, empty_kustomization: 1, unknown_field: 2, wrong_type: 4, bad_value: 12, cycle: 1, duplicate: 2,
       component_as_resource: 1, change_kind: 2, cut: 2, lose_line: 4, repeat_line: 3, shift_line: 3, odd_byte: 5, change_scalar: 8}


def make(rng, case):
    """Puts one in; its name."""
    mistake = rng.choices(list(ALL), ALL.values())[0]
    if kustomizations(case) and case.files:
        mistake(rng, case)
    return mistake.__name__
