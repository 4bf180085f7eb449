"""One kustomization directory: its resources, and a random choice of the fields of kustomization.yaml, each made so that
it mostly fits what is there."""
import json

from . import kinds, patches, styled, words
from .styled import Code

EXEMPT = {"Namespace", "CustomResourceDefinition", "APIService"}  # keep their names under prefixes and suffixes
IMAGE_NAMES = ["nginx", "busybox", "docker.io/library/redis", "registry.example.com:5000/team/app", "gcr.io/project/image", "postgres", "alpine",
               "foo.bar/nginx", "localhost/app", "ngin.", "my-nginx", "example/.*"]
VARS = ["VAR", "HOST", "NAME", "NFS", "PORT", "LEVEL"]


class Known:
    """An object as later layers see it: how it was called at first, and by now."""

    def __init__(self, obj, generated=False):
        self.kind, self.name, self.namespace, self.tree = obj
        self.now, self.now_namespace = self.name, self.namespace
        self.generated = generated

    def obj(self):
        return (self.kind, self.name, self.namespace, self.tree)

    def current(self):
        return (self.kind, self.now, self.now_namespace, self.tree)

    def copy(self):
        other = Known(self.obj(), self.generated)
        other.now, other.now_namespace = self.now, self.now_namespace
        return other


class Layer:
    def __init__(self, case, directory, kind="Kustomization"):
        self.case = case
        self.rng = case.rng
        self.w = case.words
        self.dir = directory
        self.kind = kind
        self.fields = {}
        self.known = []
        self.numbers = 0
        self.inherited = []  # (field, name, namespace) of what bases generate

    # --- files ---

    def path(self, name):
        return f"{self.dir}/{name}" if self.dir else name

    def file(self, stem, text):
        """A new file beside the kustomization; its name relative to it."""
        self.numbers += 1
        folder = "files/" if self.w.some(0.1) else ""
        name = f"{folder}{stem.format(self.numbers)}"
        while self.path(name) in self.case.files:
            self.numbers += 1
            name = f"{folder}{self.numbers}-{stem.format('')}"
        self.case.files[self.path(name)] = text if isinstance(text, bytes) else text.encode()
        return f"./{name}" if self.w.some(0.05) else name

    def yaml(self, tree, wild=None):
        return styled.document(self.rng, tree, self.case.wild if wild is None else wild)

    def append(self, field, items):
        self.fields.setdefault(field, []).extend(items)

    def write(self):
        """The kustomization file itself."""
        fields = {}
        if self.kind == "Component":
            fields.update({"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"})
        elif self.w.some(0.6):
            fields.update({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"})
        rest = list(self.fields)
        self.rng.shuffle(rest)
        fields.update({k: self.fields[k] for k in rest})
        name = self.w.pick(["kustomization.yaml"] * 8 + ["kustomization.yml", "Kustomization"])
        self.case.files[self.path(name)] = self.yaml(fields, self.case.wild * 0.5).encode()
        self.case.fields.update(self.fields)

    # --- resources ---

    def add_objects(self, count):
        objects = kinds.make_objects(self.w, count, self.rng.choice([0, 0.2, 0.4, 1]))
        taken = {(k.kind, k.tree["apiVersion"], k.name) for k in self.known}
        objects = [o for o in objects if (o[0], o[3]["apiVersion"], o[1]) not in taken]
        self.known += [Known(o) for o in objects]
        self.case.kinds.update(f"{o[3]['apiVersion']}/{o[0]}" for o in objects)
        groups = []
        for obj in objects:
            if groups and self.w.some(0.4):
                groups[-1].append(obj)
            else:
                groups.append([obj])
        for group in groups:
            trees = [o[3] for o in group]
            if self.w.some(0.04):
                trees = [{"apiVersion": "v1", "kind": self.w.pick(["List", trees[0]["kind"] + "List"]), "items": trees}]
            if self.w.some(0.04):
                text = "".join(json.dumps(t, indent=self.rng.choice([None, 2])) + "\n" for t in trees[:1]) + \
                    "".join("---\n" + json.dumps(t) + "\n" for t in trees[1:])
                name = self.file("{}.json", text)
            else:
                name = self.file(self.w.pick([group[0][0].lower() + "{}.yaml", "resources{}.yaml", "{}.yml"]), styled.stream(self.rng, trees, self.case.wild))
            self.append("resources", [name])

    def add_base(self, other, field="resources"):
        """other: a Layer that is complete."""
        here, there = (p.split("/") if p else [] for p in (self.dir, other.dir))
        common = 0
        while common < min(len(here), len(there)) and here[common] == there[common]:
            common += 1
        path = "/".join([".."] * (len(here) - common) + there[common:]) or "."
        if field == "resources" and self.w.some(0.06):
            field = "bases"
        self.append(field, [path + ("/" if self.w.some(0.05) else "")])
        if field == "components":
            self.component(other)
        else:
            self.known += [k.copy() for k in other.known]
            self.inherited += other.inherited

    def component(self, other):
        """A component works on what is here: what it added is known, what it renamed is not followed."""
        self.known += [k.copy() for k in other.own]
        self.inherited += other.inherited

    def target(self, kind=None, least=1):
        """One of the objects that are known, of a kind if there is one."""
        some = [k for k in self.known if kind is None or k.kind in kind]
        return self.w.pick(some) if some else None

    def as_seen(self, known):
        return known.obj() if self.w.some(0.85) else known.current()

    # --- fields ---

    def namePrefix(self):
        self.fields["namePrefix"] = prefix = self.w.pick(["dev-", "prod-", "a", "my.", "x-y-"])
        self.case.later.append(lambda: self.rename(prefix, ""))

    def nameSuffix(self):
        self.fields["nameSuffix"] = suffix = self.w.pick(["-v1", "-blue", "2", ".x"])
        self.case.later.append(lambda: self.rename("", suffix))

    def rename(self, prefix, suffix):
        for known in self.known:
            if known.kind not in EXEMPT:
                known.now = prefix + known.now + suffix

    def namespace(self):
        self.fields["namespace"] = namespace = self.w.namespace()
        for known in self.known:
            if known.kind not in kinds.CLUSTER:
                known.now_namespace = namespace

    def commonLabels(self):
        self.fields["commonLabels"] = self.w.labels(1, 3)

    def commonAnnotations(self):
        self.fields["commonAnnotations"] = self.w.annotations(1, 3)

    def labels(self):
        def entry():
            out = {"pairs": self.w.labels(1, 2)}
            roll = self.rng.random()
            if roll < 0.35:
                out["includeSelectors"] = True
            elif roll < 0.65:
                out["includeTemplates"] = True
            if self.w.some(0.25):
                out["fields"] = [self.w.pick([{"path": "spec/selector", "kind": "Widget", "create": True}, {"path": "spec/template/metadata/labels", "create": True, "kind": "Rollout"},
                                              {"path": "spec/labels", "create": False}, {"path": "spec/selector/matchLabels", "kind": "ServiceMonitor", "group": "monitoring.coreos.com", "create": True}])]
            return out
        self.append("labels", [entry() for _ in range(self.rng.choice([1, 1, 2]))])

    def strategic_text(self, target_given=False):
        maker = patches.Strategic(self.w)
        known = self.target()
        if not known:
            return None, None
        trees = [maker.patch(self.as_seen(known), target_given)]
        if not target_given and self.w.some(0.15):
            other = self.target()
            trees.append(maker.patch(self.as_seen(other)))
        return known, styled.stream(self.rng, trees, self.case.wild * 0.7)

    def json_text(self, known):
        operations = patches.Json(self.w).operations(known.tree)
        if self.w.some(0.3):
            return patches.as_json(operations, self.rng.choice([None, 2]))
        return styled.document(self.rng, operations, self.case.wild * 0.5)

    def patch_entry(self):
        roll = self.rng.random()
        out = {}
        if roll < 0.45:
            known, text = self.strategic_text()
        elif roll < 0.65:
            known, text = self.strategic_text(target_given=True)
            if known:
                out["target"] = patches.selector(self.w, known.obj(), (known.now, known.now_namespace))
                if self.w.some(0.1):
                    out["options"] = self.w.pick([{"allowNameChange": True}, {"allowKindChange": True}, {"allowNameChange": False}, {}])
        else:
            known = self.target()
            if known:
                text = self.json_text(known)
                out["target"] = patches.selector(self.w, known.obj(), (known.now, known.now_namespace))
        if not known:
            return None
        if self.w.some(0.4):
            out["path"] = self.file("patch{}." + ("json" if text[:1] in "[{" else "yaml"), text)
        else:
            out["patch"] = Code(text)
        return self.w.shuffled(out) if self.w.some(0.5) else out

    def patches(self):
        entries = [self.patch_entry() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        self.append("patches", [e for e in entries if e])

    def patchesStrategicMerge(self):
        for _ in range(self.rng.choice([1, 1, 2])):
            known, text = self.strategic_text()
            if known:
                self.append("patchesStrategicMerge", [self.file("smp{}.yaml", text) if self.w.some(0.6) else Code(text)])

    def patchesJson6902(self):
        known = self.target()
        if not known:
            return
        group, _, version = known.tree["apiVersion"].rpartition("/")
        name, namespace = (known.name, known.namespace) if self.w.some(0.85) else (known.now, known.now_namespace)
        target = {"version": version, "kind": known.kind, "name": name}
        if group:
            target["group"] = group
        if namespace:
            target["namespace"] = namespace
        text = self.json_text(known)
        entry = {"target": target}
        if self.w.some(0.5):
            entry["path"] = self.file("op{}.yaml", text)
        else:
            entry["patch"] = Code(text)
        self.append("patchesJson6902", [entry])

    def image_entry(self):
        entry = {"name": self.w.pick(IMAGE_NAMES)}
        for key, value, p in (("newName", self.w.pick(["mirror/nginx", "registry.example.com:5000/x", "other"]), 0.4), ("newTag", self.w.pick(["v2", "1.26", "1", "latest"]), 0.6),
                              ("digest", "sha256:" + "ab" * 32, 0.15), ("tagSuffix", "-alpine", 0.12)):
            if self.w.some(p):
                entry[key] = value
        return entry

    def images(self):
        self.append("images", [self.image_entry() for _ in range(self.rng.choice([1, 2, 3]))])

    def imageTags(self):
        self.append("imageTags", [self.image_entry()])

    def replicas(self):
        known = self.target({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})
        if known:
            self.append("replicas", [{"name": known.name if self.w.some(0.85) else known.now, "count": self.w.pick([0, 1, 3, 10])}])

    # --- generators ---

    def generator_args(self, secret=False):
        args = {"name": self.w.pick(["gen-config", "settings", "app-config", "env", "the-map"] if not secret else ["gen-secret", "creds", "tls", "db-pass"])}
        args["name"] += self.w.pick(["", "", str(self.rng.randint(2, 9))])
        literals = ["LEVEL=debug", "a=b", "quoted=\"x y\"", "single='it'", "eq=a=b", "empty=", "multi=line one\nline two", "num=1", "bool=true", "uni=ä😀",
                    "sp= lead", f"long={words.LONG}", "tab=a\tb", "yaml=a: b", "trail=x ", "quote=\"", "nul=null", "e.f-g_h=1", "crlf=a\r\nb", "hash=#x"]
        if self.w.some(0.65):
            args["literals"] = self.rng.sample(literals, self.rng.randint(1, 4))
        if self.w.some(0.45) or len(args) == 1:
            args["files"] = [self.data_file() for _ in range(self.rng.choice([1, 1, 2]))]
        if self.w.some(0.25):
            args["envs"] = [self.env_file()]
        if self.w.some(0.06):
            args["env"] = self.env_file()
        if self.w.some(0.12):
            args["namespace"] = self.w.namespace()
        if self.w.some(0.3):
            args["options"] = self.generator_options()
        if secret and self.w.some(0.4):
            args["type"] = self.w.pick(["Opaque", "kubernetes.io/tls", "example.com/x"])
        return args

    def data_file(self):
        text = self.w.pick(["plain\n", "no newline", "", "a: 1\nb: [x]\n", "{\"j\": 1}\n", "#!/bin/sh\necho hi \n", "x" * 200 + "\n", "tab\there\n", "trail \n", "\n\nlead\n", "äöü 😀\n",
                            words.LONG + "\n", "a\r\nb\r\n", "\ufeffbom\n", b"\x00\x01\x02\xff", b"\xff\xfe latin", "key=value\n# no comment\n", "'single'\n", "\"double\"\n", "\n", " ",
                            "line " * 40 + "\nnext\n", "\x07", "- a\n- b\n", "---\n", "null", "123", "b\u0085c\u2028d"])
        name = self.file(self.w.pick(["data{}.txt", "app{}.properties", "conf{}.yaml", "blob{}.bin"]), text)
        return f"{self.w.pick(['key', 'renamed.txt', 'k.e-y_1'])}{self.numbers}={name}" if self.w.some(0.3) else name

    def env_file(self):
        lines = ["A=1", "B=two words", "# comment", "", "  INDENT=x", "QUOTED=\"q\"", "EMPTY=", "NOVALUE", "EQ=a=b", "UNI=ü", "TRAIL=x ", "C_1=$HOME"]
        self.numbers += 1
        chosen = self.rng.sample(lines, self.rng.randint(1, 5))
        end = self.w.pick(["\n", "\n", "", "\r\n"])
        return self.file("vars{}.env", ("\r\n" if end == "\r\n" else "\n").join(f"{line.replace('=', str(self.numbers) + '=', 1)}" if "=" in line and line[0].isalpha() else line
                                                                                  for line in chosen) + end)

    def generator_options(self):
        out = {}
        if self.w.some(0.4):
            out["disableNameSuffixHash"] = self.w.some(0.8)
        if self.w.some(0.3):
            out["labels"] = self.w.labels(1, 2)
        if self.w.some(0.3):
            out["annotations"] = self.w.annotations(1, 2)
        if self.w.some(0.15):
            out["immutable"] = True
        return out or {"immutable": True}

    def generator(self, field, kind):
        args = self.generator_args(field == "secretGenerator")
        inherited = [g for g in self.inherited if g[0] == field]
        if inherited and self.w.some(0.7):
            _, args["name"], namespace = self.w.pick(inherited)
            args["behavior"] = self.w.pick(["merge", "merge", "replace"])
            args.pop("namespace", None)
            if namespace:
                args["namespace"] = namespace
        else:
            if self.w.some(0.08):
                args["behavior"] = "create"
            if any(k.kind == kind and k.name == args["name"] for k in self.known):
                args["name"] += f"-{self.rng.randint(10, 99)}"
            data = {k: v for k, v in (text.split("=", 1) for text in args.get("literals", []))}
            tree = {"apiVersion": "v1", "kind": kind, "metadata": {"name": args["name"]}, **({"data": data} if data else {})}
            self.known.append(Known((kind, args["name"], args.get("namespace"), tree), generated=True))
            self.inherited.append((field, args["name"], args.get("namespace")))
        self.append(field, [self.w.shuffled(args) if self.w.some(0.3) else args])

    def configMapGenerator(self):
        for _ in range(self.rng.choice([1, 1, 2])):
            self.generator("configMapGenerator", "ConfigMap")

    def secretGenerator(self):
        self.generator("secretGenerator", "Secret")

    def generatorOptions(self):
        self.fields["generatorOptions"] = self.generator_options()
        if "configMapGenerator" not in self.fields:
            self.configMapGenerator()

    # --- replacements and vars ---

    def field_paths(self, tree, path=""):
        """Paths of scalars, in the dotted form."""
        out = []
        if isinstance(tree, dict):
            for k, v in tree.items():
                step = k.replace(".", "\\.") if self.w.some(0.7) or "." not in k else f"[{k}]"
                if k == "creationTimestamp":
                    continue
                out += self.field_paths(v, f"{path}.{step}" if path else step)
        elif isinstance(tree, list):
            for i, v in enumerate(tree):
                key = next((k for k in ("name", "key", "port") if isinstance(v, dict) and k in v), None)
                step = f"[{key}={v[key]}]" if key and self.w.some(0.5) else self.w.pick([str(i), str(i), "*"])
                out += self.field_paths(v, f"{path}.{step}")
        else:
            out.append((path, tree))
        return out

    def reference(self, known):
        out = {"kind": known.kind}
        if self.w.some(0.9):
            out["name"] = known.name if self.w.some(0.85) else known.now
        group, _, version = known.tree["apiVersion"].rpartition("/")
        if self.w.some(0.2):
            out["version"] = version
            if group:
                out["group"] = group
        if known.namespace and self.w.some(0.5):
            out["namespace"] = known.namespace
        return out

    def field_options(self, source):
        out = {}
        if self.w.some(0.2):
            out["delimiter"] = self.w.pick([":", "-", "/", "."])
            if self.w.some(0.7):
                out["index"] = self.w.pick([0, 1, 2, -1] if not source else [0] * 9 + [1])
        if not source and self.w.some(0.35):
            out["create"] = True
        if self.w.some(0.05):
            out["encoding"] = "base64"
        return out

    def replacement(self):
        source, target = self.target(), self.target()
        if not source:
            return None
        out = {}
        if self.w.some(0.12):
            out["sourceValue"] = self.w.pick(["fixed", "1", "a:b:c", self.w.text()])
        else:
            out["source"] = self.reference(source)
            paths = [p for p, v in self.field_paths(source.tree) if "*" not in p]
            if self.w.some(0.8) and paths:
                out["source"]["fieldPath"] = self.w.pick(paths) if self.w.some(0.97) else self.w.pick(paths).rsplit(".", 1)[0]
            if options := self.field_options(True):
                out["source"]["options"] = options
        out["targets"] = [self.replacement_target(target)]
        if self.w.some(0.2):
            out["targets"].append(self.replacement_target(self.target()))
        return out

    def replacement_target(self, target):
        entry = {"select": self.reference(target) if self.w.some(0.7) else patches.selector(self.w, target.obj())}
        paths = [p for p, _ in self.field_paths(target.tree) if p not in ("kind", "apiVersion")]
        chosen = self.rng.sample(paths, min(len(paths), self.rng.choice([1, 1, 2]))) if paths and self.w.some(0.99) else ["metadata.annotations.none"]
        options = self.field_options(False)
        if options.get("create") and self.w.some(0.6):
            chosen = [self.w.pick(["metadata.annotations.created", "spec.template.metadata.labels.created", "data.created", "spec.new.deep.field",
                                   "spec.template.spec.containers.[name=main].env.[name=NEW].value", "metadata.labels.[a.b/c]", "spec.list.0"])]
        inside = ["config\\.json", "config\\.yaml", "[config.json]"]
        if "config.json" in (target.tree.get("data") or {}) and self.w.some(0.7):
            chosen = [f"data.{self.w.pick(inside)}.{self.w.pick(['host', 'port', 'on', 'none', 'list.0.value', 'list.[name=b].value', 'list.*.value', 'deep.er', 'deep', 'new.field', 'list.-', 'list'])}"]
        entry["fieldPaths"] = chosen
        if options:
            entry["options"] = options
        if self.w.some(0.15):
            entry["reject"] = [self.w.pick([{"name": "none"}, {"kind": "Secret"}, {"name": "w.*"}, patches.selector(self.w, target.obj())])]
        return entry

    def replacements(self):
        for _ in range(self.rng.choice([1, 1, 2])):
            entry = self.replacement()
            if not entry:
                return
            if self.w.some(0.25):
                content = entry if self.w.some(0.6) else [entry]
                entry = {"path": self.file("replacement{}.yaml", self.yaml(content))}
            self.append("replacements", [entry])

    def vars(self):
        taken = self.case.vars
        for name in self.rng.sample(VARS, self.rng.choice([1, 2, 3])):
            known = self.target()
            if name in taken or not known:
                continue
            taken.add(name)
            group, _, version = known.tree["apiVersion"].rpartition("/")
            ref = {"kind": known.kind, "name": known.name, "apiVersion": known.tree["apiVersion"]}
            if self.w.some(0.3):
                ref = {"kind": known.kind, "name": known.name, "version": version, **({"group": group} if group else {})}
            if known.namespace and self.w.some(0.8):
                ref["namespace"] = known.namespace
            entry = {"name": name, "objref": ref}
            if self.w.some(0.6):
                paths = self.var_paths(known.tree)
                if paths:
                    entry["fieldref"] = {"fieldPath": self.w.pick(paths)}
            self.append("vars", [entry])

    def var_paths(self, tree, path=""):
        """Paths of scalars in the form that vars have."""
        if isinstance(tree, dict):
            return [p for k, v in tree.items() for p in self.var_paths(v, (f"{path}." if path else "") + k.replace(".", "\\."))]
        if isinstance(tree, list):
            return [p for i, v in enumerate(tree) for p in self.var_paths(v, f"{path}[{i}]")]
        return [path] if tree is not None else []

    # --- configurations, crds, openapi ---

    def configurations(self):
        parts = {
            "nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": [{"path": "spec/configRef/name", "kind": "Widget"}]},
                              {"kind": "Secret", "fieldSpecs": [{"path": "spec/secretName", "kind": "Widget", "group": "example.com"}]},
                              {"kind": "Service", "version": "v1", "fieldSpecs": [{"path": "spec/serviceName", "kind": "Widget"}]},
                              {"kind": "Widget", "fieldSpecs": [{"path": "metadata/annotations/note"}]}],
            "commonLabels": [{"path": "spec/selector", "kind": "Widget", "create": True}, {"path": "spec/selector/matchLabels", "kind": "ServiceMonitor", "create": False}],
            "labels": [{"path": "spec/template/metadata/labels", "kind": "Rollout", "create": True}],
            "templateLabels": [{"path": "spec/template/metadata/labels", "kind": "Widget", "create": True}],
            "commonAnnotations": [{"path": "spec/template/metadata/annotations", "kind": "Rollout", "create": True}, {"path": "spec/annotations", "create": False}],
            "images": [{"path": "spec/image", "kind": "Widget"}, {"path": "spec/containers[]/image", "kind": "Widget", "create": True}, {"path": "spec/template/spec/containers/image", "kind": "Rollout"}],
            "replicas": [{"path": "spec/replicas", "kind": "Widget", "create": True}, {"path": "spec/replicas", "kind": "Rollout"}],
            "varReference": [{"path": "spec/settings/x", "kind": "Widget"}, {"path": "data"}, {"path": "spec/template/spec/volumes/configMap/name"}, {"path": "spec/rules/host", "kind": "Ingress"}],
            "namePrefix": [{"path": "spec/serviceName", "kind": "Widget"}, {"path": "metadata/name", "kind": "Secret"}, {"path": "data/a", "kind": "ConfigMap"}],
            "nameSuffix": [{"path": "spec/serviceName", "kind": "Widget"}, {"path": "metadata/annotations/note"}],
            "namespace": [{"path": "spec/namespace", "kind": "Widget", "create": True}, {"path": "metadata/name", "kind": "Namespace", "create": True},
                          {"path": "spec/claimRef/namespace", "kind": "PersistentVolume"}],
        }
        chosen = self.rng.sample(list(parts), self.rng.choice([1, 1, 2, 3]))
        tree = {k: self.rng.sample(parts[k], self.rng.randint(1, len(parts[k]))) for k in chosen}
        self.append("configurations", [self.file("config{}.yaml", self.yaml(tree))])
        self.case.plugins.update(f"configurations: {k}" for k in chosen)

    def crds(self):
        ref = lambda kind, version, key=None: {"x-kubernetes-object-ref-api-version": version, "x-kubernetes-object-ref-kind": kind,  # noqa: E731
                                               **({"x-kubernetes-object-ref-name-key": key} if key else {})}
        parts = {"configRef": {"$ref": "example.com/v1.ConfigRef", **ref("ConfigMap", "v1")}, "secretName": {"type": "string"}, "selector": {"type": "object", "x-kubernetes-label-selector": ""},
                 "settings": {"type": "object", "x-kubernetes-annotation": ""}, "serviceName": {"type": "string", "x-kubernetes-identity": ""},
                 "secretRef": ref("Secret", "v1", "secretName")}
        spec = {k: parts[k] for k in self.rng.sample(list(parts), self.rng.randint(1, 4))}
        tree = {"example.com/v1.Widget": {"Schema": {"properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}, "spec": {"$ref": "example.com/v1.WidgetSpec"}}}},
            "example.com/v1.WidgetSpec": {"Schema": {"properties": spec}},
            "example.com/v1.ConfigRef": {"Schema": {"properties": {"name": {"type": "string"}}}}}
        self.append("crds", [self.file("crd{}.json", json.dumps(tree, indent=1)) if self.w.some(0.7) else self.file("crd{}.yaml", self.yaml(tree, 0))])

    def openapi(self):
        if self.w.some(0.3):
            self.fields["openapi"] = {"version": "v1.21.2"}
            return
        item = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}
        tree = {"definitions": {"v1.Widget": {
            "type": "object", "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}],
            "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                           "spec": {"type": "object", "properties": {
                               "items": {"type": "array", "items": item, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"},
                               "containers": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"},
                               "list": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"}}}}}}}
        text = json.dumps(tree, indent=1) if self.w.some(0.6) else self.yaml(tree, 0)
        self.fields["openapi"] = {"path": self.file("schema{}.json" if text[0] == "{" else "schema{}.yaml", text)}

    # --- transformers, generators, validators ---

    def plugin(self, kind, **rest):
        self.case.plugins.add(kind)
        self.numbers += 1
        return {"apiVersion": "builtin", "kind": kind, "metadata": {"name": f"plugin-{self.numbers}"}, **rest}

    def transformer(self):
        known = self.target()
        labels = [{"path": "metadata/labels", "create": True}]
        choices = {
            "PrefixTransformer": lambda: {"prefix": "pt-", "fieldSpecs": [{"path": "metadata/name"}] if self.w.some(0.8) else [{"path": "metadata/name", "kind": "Deployment"}]},
            "SuffixTransformer": lambda: {"suffix": "-st", "fieldSpecs": [{"path": "metadata/name"}]},
            "NamespaceTransformer": self.namespace_transformer,
            "LabelTransformer": lambda: {"labels": self.w.labels(1, 2), "fieldSpecs": labels + [{"path": "spec/selector/matchLabels", "create": self.w.some(0.3), "kind": "Deployment"}][: self.rng.randint(0, 1)]},
            "AnnotationsTransformer": lambda: {"annotations": self.w.annotations(1, 2), "fieldSpecs": [{"path": "metadata/annotations", "create": True}]},
            "ImageTagTransformer": lambda: {"imageTag": self.image_entry(), **({"fieldSpecs": [{"path": "spec/image", "kind": "Widget"}]} if self.w.some(0.3) else {})},
            "ReplicaCountTransformer": lambda: {"replica": {"name": self.target({"Deployment"}).name, "count": 4}, "fieldSpecs": [{"path": "spec/replicas", "create": True, "kind": "Deployment"}]},
            "PatchTransformer": self.patch_transformer,
            "PatchStrategicMergeTransformer": self.smp_transformer,
            "PatchJson6902Transformer": self.json_transformer,
            "ReplacementTransformer": lambda: {"replacements": [r for r in [self.replacement()] if r]},
            "ValueAddTransformer": self.value_add,
            "SortOrderTransformer": lambda: {"sortOptions": self.sort_options()},
            "HashTransformer": lambda: {},
        }
        kind = self.w.pick(list(choices))
        if kind == "SortOrderTransformer" and self.w.some(0.9):  # upstream knows it by name only
            kind = "LabelTransformer"
        if not known or (kind == "ReplicaCountTransformer" and not self.target({"Deployment"})):
            kind = "LabelTransformer"
        return self.plugin(kind, **choices[kind]())

    def namespace_transformer(self):
        out = {"metadata": {"name": f"ns-{self.numbers}", "namespace": self.w.namespace()}}
        if self.w.some(0.3):
            out["unsetOnly"] = True
        if self.w.some(0.4):
            out["setRoleBindingSubjects"] = self.w.pick(["none", "allServiceAccounts", "defaultOnly"])
        if self.w.some(0.4):
            out["fieldSpecs"] = [{"path": "metadata/name", "kind": "Namespace", "create": True}]
        return out

    def patch_transformer(self):
        return self.patch_entry() or {}

    def smp_transformer(self):
        _, text = self.strategic_text()
        return {"patches": Code(text)} if self.w.some(0.5) else {"paths": [self.file("tsmp{}.yaml", text)]}

    def json_transformer(self):
        known = self.target()
        group, _, version = known.tree["apiVersion"].rpartition("/")
        target = {"kind": known.kind, "name": known.name, "version": version, "group": group or ""}
        text = self.json_text(known)
        return {"target": target, "jsonOp": Code(text)} if self.w.some(0.5) else {"target": target, "path": self.file("tjson{}.yaml", text)}

    def value_add(self):
        known = self.target()
        out = {"value": self.w.pick(["added", "a/b"]), "targets": [{"selector": {"kind": known.kind}, "fieldPath": self.w.pick(["metadata/annotations/added", "metadata/name", "metadata/labels/x"])}]}
        if self.w.some(0.3):
            out["targets"][0]["filePathPosition"] = self.w.pick([1, 2])
        return out

    def write_plugins(self, field, trees):
        for tree in trees:
            roll = self.rng.random()
            if roll < 0.5:
                self.append(field, [self.file(field + "{}.yaml", self.yaml(tree, self.case.wild * 0.5))])
            elif roll < 0.9:
                self.append(field, [Code(self.yaml(tree, self.case.wild * 0.3))])
            else:
                directory = f"{field}-{self.numbers}"
                self.case.files[self.path(f"{directory}/t.yaml")] = self.yaml(tree, 0).encode()
                self.case.files[self.path(f"{directory}/kustomization.yaml")] = b"resources:\n- t.yaml\n"
                # What names files does so from where it is used.
                self.append(field, [directory])

    def transformers(self):
        self.write_plugins("transformers", [self.transformer() for _ in range(self.rng.choice([1, 1, 2]))])

    def generators(self):
        kind = self.w.pick(["ConfigMapGenerator", "SecretGenerator", "ConfigMapGenerator", "IAMPolicyGenerator"])
        if kind == "IAMPolicyGenerator":
            tree = self.plugin(kind, cloud="gke", kubernetesService={"namespace": self.w.namespace(), "name": "ksa"}, serviceAccount={"name": "gsa", "projectId": "p"})
        else:
            args = self.generator_args(kind == "SecretGenerator")
            args.pop("env", None)
            name = args.pop("name") + "-plug"
            tree = self.plugin(kind, **args)
            tree["metadata"] = {"name": name}
            if "namespace" in args:
                tree["metadata"]["namespace"] = tree.pop("namespace")
            if self.w.some(0.3):
                tree["name"] = name
        self.write_plugins("generators", [tree])

    def validators(self):
        known = self.target()
        roll = self.rng.random()
        if roll < 0.4 or not known:
            tree = self.plugin("ImageTagTransformer", imageTag={"name": "no-such-image", "newTag": "x"})
        elif roll < 0.55:
            operations = [{"op": "test", "path": "/kind", "value": self.w.pick(["Other", known.kind])}]
            tree = self.plugin("PatchTransformer", target={"kind": known.kind}, patch=Code(self.yaml(operations, 0)))
        elif roll < 0.9:
            labelled = all((k.tree.get("metadata") or {}).get("labels") for k in self.known)
            tree = self.plugin("LabelTransformer", labels={"validated-by": "check"}, fieldSpecs=[{"path": "metadata/labels", "create": labelled or self.w.some(0.5)}])
        else:
            tree = self.plugin("PrefixTransformer", prefix="changed-", fieldSpecs=[{"path": "metadata/name"}])
        self.write_plugins("validators", [tree])

    # --- the rest ---

    def buildMetadata(self):
        options = ["originAnnotations", "transformerAnnotations", "managedByLabel"]
        self.fields["buildMetadata"] = self.rng.sample(options, self.rng.choice([1, 1, 2, 3]))

    def sort_options(self):
        if self.w.some(0.3):
            return {"order": "fifo"}
        out = {"order": "legacy"}
        if self.w.some(0.7):
            out["legacySortOptions"] = {"orderFirst": self.rng.sample(["Namespace", "ConfigMap", "Deployment", "Service", "Widget"], self.rng.randint(0, 3)),
                                        "orderLast": self.rng.sample(["ValidatingWebhookConfiguration", "Ingress", "Secret", "CronJob"], self.rng.randint(0, 2))}
        return out

    def sortOptions(self):
        self.fields["sortOptions"] = self.sort_options()

    def metadata(self):
        self.fields["metadata"] = {"name": self.w.name(), **({"annotations": {"config.kubernetes.io/local-config": "true"}} if self.w.some(0.4) else {})}


FEATURES = {"namePrefix": 6, "nameSuffix": 4, "namespace": 6, "labels": 5, "commonLabels": 4, "commonAnnotations": 4, "patches": 10, "patchesStrategicMerge": 4, "patchesJson6902": 3,
            "images": 5, "imageTags": 1, "replicas": 3, "configMapGenerator": 6, "secretGenerator": 4, "generatorOptions": 2, "replacements": 5, "vars": 3,
            "configurations": 3, "crds": 1.5, "openapi": 0.7, "transformers": 4, "generators": 1.5, "validators": 1, "buildMetadata": 2, "sortOptions": 1, "metadata": 0.5}


def add_features(layer, count):
    chosen = []
    while len(chosen) < count:
        feature = layer.rng.choices(list(FEATURES), FEATURES.values())[0]
        if feature not in chosen:
            chosen.append(feature)
    if layer.kind == "Component" and "sortOptions" in chosen:
        chosen.remove("sortOptions")
    for feature in chosen:
        getattr(layer, feature)()
