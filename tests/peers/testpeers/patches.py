"""Patches that are made from the object that they shall fit: strategic merge and JSON 6902, and selectors of targets."""
import copy
import json

KEYS = ["name", "containerPort", "port", "mountPath", "ip", "key", "topologyKey", "type", "host", "path", "kind", "uid", "apiGroups", "operator"]


def identity(obj):
    kind, name, namespace, tree = obj
    meta = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": tree["apiVersion"], "kind": kind, "metadata": meta}


class Strategic:
    def __init__(self, words):
        self.w = words
        self.rng = words.rng

    def patch(self, obj, target_given=False):
        """A whole patch document for obj."""
        out = identity(obj)
        tree = obj[3]
        if target_given and self.w.some(0.3):
            out["metadata"] = {"name": self.w.pick(["ignored", "any", "not-important"])}
        if self.w.some(0.04):
            return {**out, "$patch": "delete"}
        if self.w.some(0.02):
            return {**out, "$patch": "replace", **{k: copy.deepcopy(v) for k, v in tree.items() if k not in out and self.w.some(0.6)}}
        if self.w.some(0.35) or len(tree) <= 3:
            out["metadata"].update(self.meta(tree.get("metadata") or {}))
        fields = [k for k in tree if k not in ("apiVersion", "kind", "metadata")]
        for key in self.rng.sample(fields, min(len(fields), self.rng.choice([1, 1, 1, 2]))):
            self.entry(out, tree, key, 0)
        if self.w.some(0.05):
            out[self.w.pick(["extra", "spec2", "data"])] = self.w.tree()
        if self.w.some(0.1):
            out = self.w.shuffled(out)
        return out

    def meta(self, meta):
        out = {}
        for field in ("labels", "annotations"):
            if not self.w.some(0.5):
                continue
            there = list((meta.get(field) or {}))
            if there and self.w.some(0.15):
                out[field] = None
                continue
            out[field] = {}
            if there and self.w.some(0.5):
                out[field][self.w.pick(there)] = None if self.w.some(0.4) else self.w.text()
            if self.w.some(0.7):
                out[field].update(self.w.labels(1, 2) if field == "labels" else self.w.annotations(1, 2))
        return out

    def entry(self, out, parent, key, depth):
        """Puts a change of parent[key] into out, with directives beside it now and then."""
        value = parent[key]
        out[key] = self.change(value, depth, key)
        if isinstance(value, list) and value:
            if self.w.some(0.06):
                out[f"$setElementOrder/{key}"] = self.element_order(value, out[key])
            if not isinstance(value[0], (dict, list)) and self.w.some(0.2):
                out[f"$deleteFromPrimitiveList/{key}"] = [self.w.pick(value)]
                if self.w.some(0.5):
                    del out[key]

    def element_order(self, value, added):
        every = value + [v for v in added if v not in value] if isinstance(added, list) else list(value)
        if not all(isinstance(v, dict) for v in every):
            every = [v for v in every if not isinstance(v, (dict, list))]
        else:
            every = [{k: v[k]} for v in every for k in KEYS if k in v][: len(every)]
        self.rng.shuffle(every)
        return every

    def change(self, value, depth, key):
        if isinstance(value, dict):
            return self.change_map(value, depth, key)
        if isinstance(value, list):
            return self.change_list(value, depth)
        return self.change_scalar(value, key)

    def change_scalar(self, value, key):
        roll = self.rng.random()
        if roll < 0.1:
            return None
        if key == "image" and roll < 0.8:
            return self.w.image()
        if isinstance(value, bool):
            return not value
        if isinstance(value, int) and roll < 0.8:
            return self.w.integer()
        if isinstance(value, str) and roll < 0.6:
            return value + self.w.pick(["-x", "2", " y"])
        if roll < 0.9:
            return self.w.text()
        return self.w.scalar()

    def change_map(self, value, depth, key):
        roll = self.rng.random()
        if roll < 0.04 and depth:
            return None
        if roll < 0.07:
            return {"$patch": "replace", **{k: copy.deepcopy(v) for k, v in value.items() if self.w.some(0.5)}}
        if roll < 0.09:
            return {"$patch": "delete"}
        if roll < 0.1:
            return {"$patch": "merge", **{k: copy.deepcopy(v) for k, v in value.items() if self.w.some(0.5)}}
        if roll < 0.11:
            return {}
        if roll < 0.125:
            return {"$retainKeys": list(value)[:1], **{k: copy.deepcopy(v) for k, v in list(value.items())[:1]}}
        out = {}
        keys = list(value)
        if keys:
            for k in self.rng.sample(keys, min(len(keys), self.rng.choice([1, 1, 2, 3]))):
                self.entry(out, value, k, depth + 1)
        if self.w.some(0.25) or not out:
            out.update(self.more(key))
        return out

    def more(self, key):
        """New fields of a map that is known by its key."""
        if key in ("labels", "matchLabels", "selector"):
            return self.w.labels(1, 2)
        if key in ("annotations", "data", "stringData"):
            return self.w.annotations(1, 2)
        if key == "emptyDir":
            return {"sizeLimit": "1Gi"}
        return {self.w.pick(["extra", "terminationGracePeriodSeconds", "replicas", "hostNetwork", "note"]): self.w.tree(1)}

    def change_list(self, value, depth):
        roll = self.rng.random()
        if roll < 0.05:
            return None
        if roll < 0.08:
            return []
        if not value or not all(isinstance(v, dict) for v in value):
            out = [copy.deepcopy(v) for v in value if self.w.some(0.6)]
            if self.w.some(0.7):
                out.insert(self.rng.randint(0, len(out)), self.w.pick(["--verbose", "new", self.w.text()]))
            return out
        out = []
        if roll < 0.14:
            out.append({"$patch": self.w.pick(["replace", "replace", "delete", "merge"])})
        for _ in range(self.rng.choice([1, 1, 2])):
            out.append(self.element(self.w.pick(value), depth))
        if self.w.some(0.25):
            out.append(self.new_element(self.w.pick(value)))
        self.rng.shuffle(out)
        return out

    def element(self, item, depth):
        key = next((k for k in KEYS if k in item), None)
        out = {key: item[key]} if key and self.w.some(0.96) else {}
        for also in ("containerPort", "port", "protocol", "name"):
            if also in item and self.w.some(0.4):
                out[also] = item[also]
        if self.w.some(0.12):
            return {**out, "$patch": "delete"}
        if self.w.some(0.03):
            out["$patch"] = self.w.pick(["replace", "merge"])
        rest = [k for k in item if k not in out]
        if rest:
            for k in self.rng.sample(rest, min(len(rest), self.rng.choice([1, 1, 2]))):
                self.entry(out, item, k, depth + 1)
        if self.w.some(0.15) or not out:
            out.update(self.w.pick([{"image": self.w.image()}, {"env": [{"name": "X", "value": self.w.text()}]}, {"ports": [{"containerPort": 9090}]},
                                    {"resources": {"limits": {"cpu": "1"}}}]))
        return self.w.shuffled(out) if self.w.some(0.1) else out

    def new_element(self, like):
        out = copy.deepcopy(like)
        for key in KEYS:
            if key in out:
                out[key] = self.w.pick(["added", "new"]) if isinstance(out[key], str) else 9999
                break
        return {k: v for k, v in out.items() if self.w.some(0.8)} or {"name": "added"}


class Json:
    def __init__(self, words):
        self.w = words
        self.rng = words.rng

    def operations(self, tree):
        tree = copy.deepcopy(tree)
        return [self.operation(tree) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]

    def pointers(self, tree, path=()):
        out = [(path, tree)]
        if isinstance(tree, dict):
            for k, v in tree.items():
                out += self.pointers(v, path + (k,))
        elif isinstance(tree, list):
            for i, v in enumerate(tree):
                out += self.pointers(v, path + (i,))
        return out

    @staticmethod
    def text(path):
        return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)

    def operation(self, tree):
        keep = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"), ()}
        if self.w.some(0.97):
            keep |= {("metadata", "labels"), ("metadata", "annotations")}
        every = [(p, v) for p, v in self.pointers(tree) if p not in keep]
        if not every:
            return {"op": "add", "path": "/extra", "value": self.w.tree()}
        path, value = self.w.pick(every)
        roll = self.rng.random()
        if roll < 0.35:
            return {"op": "replace", "path": self.text(path), "value": self.other(value)}
        if roll < 0.7:
            return self.add(path, value)
        if roll < 0.85:
            return {"op": "remove", "path": self.text(path)}
        if roll < 0.9:
            return {"op": "test", "path": self.text(path), "value": value if self.w.some(0.9) else "other"}
        to = ("spec", "moved") if isinstance(tree.get("spec"), dict) else ("moved",)
        if roll < 0.95:
            return {"op": "copy", "from": self.text(path), "path": self.text(to)}
        return {"op": "move", "from": self.text(path), "path": self.text(to)}

    def add(self, path, value):
        if isinstance(value, list):
            end = self.w.pick(["-", "-", 0, len(value), max(0, len(value) - 1)]) if self.w.some(0.95) else self.w.pick([99, -1, "x"])
            like = self.w.pick(value) if value and self.w.some(0.8) else self.w.tree(1)
            return {"op": "add", "path": self.text(path + (end,)), "value": like}
        if isinstance(value, dict):
            key = self.w.pick(["new", "example.com/new", "a~b", "extra"])
            strings = path[-1] in ("labels", "annotations", "matchLabels", "selector", "data") and self.w.some(0.97)
            return {"op": "add", "path": self.text(path + (key,)), "value": self.w.text() if strings else self.w.tree(1)}
        return {"op": "add", "path": self.text(path), "value": self.other(value)}

    def other(self, value):
        if isinstance(value, str) and self.w.some(0.7):
            return self.w.text()
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return self.w.integer()
        if isinstance(value, list) and value and self.w.some(0.5):
            return value[:1]
        return self.w.tree(2)


def as_json(tree, indent=None):
    return json.dumps(tree, indent=indent, ensure_ascii=False)


def selector(words, obj, current=None, loose=0.4):
    """A target that obj is among. current: its (name, namespace) by now."""
    kind, name, namespace, tree = obj
    if current and words.some(0.5):
        name, namespace = current
    group, _, version = tree["apiVersion"].rpartition("/")
    out = {}
    if words.some(0.85):
        out["kind"] = kind if words.some(0.85) else words.pick([kind[:3] + ".*", f"({kind}|Job)", "[A-Z].*", "Deployment|StatefulSet"])
    if words.some(0.75):
        out["name"] = name if words.some(0.8) else words.pick([name[:1] + ".*", ".*" + name[-1:], f"{name}|other", ".*", "[a-z-]+"])
    if group and words.some(0.25):
        out["group"] = group if words.some(0.8) else ".*"
    if words.some(0.25):
        out["version"] = version
    if namespace and words.some(0.3):
        out["namespace"] = namespace
    meta = tree.get("metadata") or {}
    for field in ("labels", "annotations"):
        there = meta.get(field)
        if there and words.some(0.15 if out else 0.6) and words.some(loose + 0.5):
            key, value = words.pick(list(there.items()))
            if isinstance(value, str) and value.replace(".", "").replace("-", "").isalnum():
                out[field[:-1] + "Selector"] = words.pick([f"{key}={value}", key, f"{key} in ({value}, other)", f"{key}!=other", f"{key}=={value}"])
    if words.some(0.03):
        out["labelSelector"] = words.pick(["!missing", "app notin (nothing)", "env"])
    return out or {"kind": kind}
