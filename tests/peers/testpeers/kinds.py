"""Objects of the kinds that kustomize knows something of, and of some that it does not, with names that refer to each other."""
from . import styled
from .styled import Raw


def clean(tree):
    """Without the keys whose value is absent (the class Absent itself)."""
    if isinstance(tree, dict):
        return {k: clean(v) for k, v in tree.items() if v is not Absent}
    if isinstance(tree, list):
        return [clean(v) for v in tree if v is not Absent]
    return tree


class Absent:
    pass


class Kinds:
    def __init__(self, words):
        self.w = words
        self.rng = words.rng
        self.known = []  # (kind, name, namespace) of what is there already

    def maybe(self, p, make):
        """make: a value, or a function that makes one."""
        if self.rng.random() >= p:
            return Absent
        return make() if callable(make) else make

    def ref(self, kind):
        names = [n for k, n, _ in self.known if k == kind]
        return self.w.pick(names) if names and self.w.some(0.85) else self.w.name()

    def several(self, make, least=1, most=3):
        return [make() for _ in range(self.rng.randint(least, most))]

    # --- parts ---

    def meta(self, name, namespace, labels=0.6, annotations=0.3):
        notes = self.maybe(annotations, self.w.annotations)
        if self.w.some(0.03):
            notes = {**({} if notes is Absent else notes), **self.w.pick([
                {"config.kubernetes.io/local-config": "true"}, {"config.kubernetes.io/local-config": "false"}, {"kustomize.config.k8s.io/needs-hash": "true"},
                {"kustomize.config.k8s.io/behavior": "merge"}, {"config.kubernetes.io/index": "0", "config.kubernetes.io/path": "x.yaml"},
                {"internal.config.kubernetes.io/path": "x"}, {"kubectl.kubernetes.io/last-applied-configuration": "{\"a\":\"b\"}\n"}, {"config.kubernetes.io/origin": "path: x\n"}])}
        return {
            "name": name,
            "namespace": namespace if namespace else Absent,
            "labels": self.maybe(labels, self.w.labels),
            "annotations": notes,
            "creationTimestamp": self.maybe(0.03, None),
            "finalizers": self.maybe(0.03, ["example.com/keep"]),
        }

    def env(self):
        name = self.w.pick(["LOG_LEVEL", "DB_HOST", "PASSWORD", "POD_IP", "X", "JAVA_OPTS"])
        roll = self.rng.random()
        if roll < 0.5:
            return {"name": name, "value": self.w.text() if self.w.some(0.9) else self.w.scalar()}
        source = self.w.pick(["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"])
        if source == "fieldRef":
            ref = {"apiVersion": self.maybe(0.3, "v1"), "fieldPath": "status.podIP"}
        elif source == "resourceFieldRef":
            ref = {"containerName": "main", "resource": "limits.cpu", "divisor": 1}
        else:
            ref = {"name": self.ref("ConfigMap" if source == "configMapKeyRef" else "Secret"), "key": "key", "optional": self.maybe(0.1, True)}
        return {"name": name, "valueFrom": {source: ref}}

    def env_from(self):
        kind, field = self.w.pick([("ConfigMap", "configMapRef"), ("Secret", "secretRef")])
        return {"prefix": self.maybe(0.2, "P_"), field: {"name": self.ref(kind), "optional": self.maybe(0.1, False)}}

    def port(self):
        return {"containerPort": self.w.integer(), "name": self.maybe(0.5, lambda: self.w.pick(["http", "metrics", "grpc"])),
                "protocol": self.maybe(0.3, lambda: self.w.pick(["TCP", "UDP"])), "hostPort": self.maybe(0.05, 80)}

    def probe(self):
        return {"httpGet": {"path": "/healthz", "port": self.w.pick([8080, "http"]), "scheme": self.maybe(0.2, "HTTPS")},
                "initialDelaySeconds": self.maybe(0.5, 5), "periodSeconds": self.maybe(0.5, 10)}

    def resources(self):
        side = lambda: {k: self.w.quantity() for k in self.rng.sample(["cpu", "memory"], self.rng.randint(1, 2))}  # noqa: E731
        return {"limits": self.maybe(0.7, side), "requests": self.maybe(0.7, side)}

    def container(self, name):
        return self.order({
            "name": name,
            "image": self.w.image() if self.w.some(0.97) else Absent,
            "imagePullPolicy": self.maybe(0.2, "Always"),
            "command": self.maybe(0.3, lambda: self.w.pick([["sh", "-c", "echo $(VAR) && sleep 1"], ["/bin/app"], ["app", "--host=$(HOST)"]])),
            "args": self.maybe(0.3, lambda: self.w.pick([["--port", "8080"], ["$(VAR)", "$$(VAR)", "-v=$(LEVEL)"], [self.w.text(), "x"]])),
            "env": self.maybe(0.5, lambda: self.several(self.env, 1, 4)),
            "envFrom": self.maybe(0.25, lambda: self.several(self.env_from, 1, 2)),
            "ports": self.maybe(0.5, lambda: self.several(self.port, 1, 3)),
            "resources": self.maybe(0.3, self.resources),
            "livenessProbe": self.maybe(0.15, self.probe),
            "readinessProbe": self.maybe(0.15, self.probe),
            "lifecycle": self.maybe(0.05, {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 5"]}}}),
            "securityContext": self.maybe(0.1, {"runAsNonRoot": True, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}),
            "volumeMounts": self.maybe(0.4, lambda: self.several(self.mount, 1, 3)),
            "tty": self.maybe(0.02, True),
        })

    def mount(self):
        return {"name": self.w.pick(["data", "conf", "secret"]), "mountPath": self.w.pick(["/data", "/etc/$(NAME)", "/var/lib"]), "subPath": self.maybe(0.1, "sub"),
                "readOnly": self.maybe(0.2, True)}

    def volume(self, name):
        make = self.w.pick([
            lambda: {"configMap": {"name": self.ref("ConfigMap"), "items": self.maybe(0.3, [{"key": "a", "path": "a.txt"}]), "defaultMode": self.maybe(0.2, Raw("0644"))}},
            lambda: {"secret": {"secretName": self.ref("Secret"), "items": self.maybe(0.2, [{"key": "a", "path": "a.txt", "mode": 420}])}},
            lambda: {"persistentVolumeClaim": {"claimName": self.ref("PersistentVolumeClaim"), "readOnly": self.maybe(0.2, True)}},
            lambda: {"emptyDir": {}},
            lambda: {"emptyDir": {"medium": "Memory"}},
            lambda: {"hostPath": {"path": "/srv", "type": self.maybe(0.5, "Directory")}},
            lambda: {"projected": {"sources": [{"configMap": {"name": self.ref("ConfigMap")}}, {"secret": {"name": self.ref("Secret")}},
                                               {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}]}},
            lambda: {"nfs": {"server": "$(NFS)", "path": "/export"}},
            lambda: {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            lambda: {"csi": {"driver": "x.csi", "nodePublishSecretRef": {"name": self.ref("Secret")}}},
            lambda: {"image": {"reference": self.w.image(), "pullPolicy": "Always"}},
            lambda: {"cephfs": {"monitors": ["a:1"], "secretRef": {"name": self.ref("Secret")}}},
            lambda: {"azureFile": {"secretName": self.ref("Secret"), "shareName": "s"}},
        ])
        return {"name": name, **make()}

    def selector_term(self):
        return {"labelSelector": {"matchLabels": self.maybe(0.7, lambda: self.w.labels(1, 2)),
                                  "matchExpressions": self.maybe(0.5, [{"key": "app", "operator": "In", "values": ["a", "b"]}])},
                "topologyKey": "kubernetes.io/hostname"}

    def affinity(self):
        kind = self.w.pick(["podAffinity", "podAntiAffinity"])
        return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": self.maybe(0.5, lambda: [self.selector_term()]),
                       "preferredDuringSchedulingIgnoredDuringExecution": self.maybe(0.5, lambda: [{"weight": 1, "podAffinityTerm": self.selector_term()}])},
                "nodeAffinity": self.maybe(0.2, {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]}})}

    def pod_spec(self):
        names = self.rng.sample(["main", "sidecar", "web", "proxy"], self.rng.choice([1, 1, 2, 3]))
        return self.order({
            "serviceAccountName": self.maybe(0.3, lambda: self.ref("ServiceAccount")),
            "serviceAccount": self.maybe(0.03, lambda: self.ref("ServiceAccount")),
            "initContainers": self.maybe(0.2, lambda: [self.container("init")]),
            "containers": [self.container(n) for n in names],
            "volumes": self.maybe(0.5, lambda: [self.volume(n) for n in self.rng.sample(["data", "conf", "secret"], self.rng.randint(1, 3))]),
            "imagePullSecrets": self.maybe(0.15, lambda: [{"name": self.ref("Secret")}]),
            "restartPolicy": self.maybe(0.15, "Always"),
            "terminationGracePeriodSeconds": self.maybe(0.2, 30),
            "nodeSelector": self.maybe(0.1, {"disk": "ssd"}),
            "tolerations": self.maybe(0.15, lambda: [{"key": "dedicated", "operator": "Equal", "value": self.w.pick(["a", "true"]), "effect": "NoSchedule"},
                                                     {"operator": "Exists"}]),
            "affinity": self.maybe(0.15, self.affinity),
            "topologySpreadConstraints": self.maybe(0.1, lambda: [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
                                                                   "labelSelector": {"matchLabels": self.w.labels(1, 1)}}]),
            "hostAliases": self.maybe(0.05, [{"ip": "127.0.0.1", "hostnames": ["a.local", "b.local"]}]),
            "securityContext": self.maybe(0.15, {"fsGroup": 1000, "sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]}),
            "priorityClassName": self.maybe(0.1, lambda: self.ref("PriorityClass")),
            "hostNetwork": self.maybe(0.05, True),
            "dnsConfig": self.maybe(0.03, {"options": [{"name": "ndots", "value": "2"}]}),
        })

    def template(self, labels):
        return {"metadata": {"labels": labels, "annotations": self.maybe(0.3, self.w.annotations), "name": self.maybe(0.03, "x")}, "spec": self.pod_spec()}

    def order(self, tree):
        """People write keys in any order."""
        return self.w.shuffled(tree) if self.w.some(0.15) else tree

    def selected(self):
        labels = self.w.labels(1, 2)
        if self.w.some(0.05):
            return {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}, labels
        return {"matchLabels": dict(labels)}, labels

    # --- kinds: each returns apiVersion, and the fields beside metadata ---

    def Deployment(self):
        selector, labels = self.selected()
        return "apps/v1" if self.w.some(0.9) else "extensions/v1beta1", {"spec": self.order({
            "replicas": self.maybe(0.7, self.w.integer), "selector": selector if self.w.some(0.95) else Absent, "template": self.template(labels),
            "strategy": self.maybe(0.3, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}),
            "minReadySeconds": self.maybe(0.1, 5), "revisionHistoryLimit": self.maybe(0.1, 3), "paused": self.maybe(0.03, False)}),
            "status": self.maybe(0.03, {"replicas": 1})}

    def StatefulSet(self):
        selector, labels = self.selected()
        claim = lambda: {"metadata": {"name": self.w.pick(["data", "logs"]), "labels": self.maybe(0.3, self.w.labels),  # noqa: E731
                                      "annotations": self.maybe(0.2, self.w.annotations)},
                         "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": self.maybe(0.5, lambda: self.ref("StorageClass")),
                                  "resources": {"requests": {"storage": "1Gi"}}}}
        return "apps/v1", {"spec": {
            "serviceName": self.ref("Service"), "replicas": self.maybe(0.7, self.w.integer), "selector": selector, "template": self.template(labels),
            "volumeClaimTemplates": self.maybe(0.6, lambda: self.several(claim, 1, 2)), "podManagementPolicy": self.maybe(0.2, "Parallel"),
            "updateStrategy": self.maybe(0.2, {"type": "OnDelete"})}}

    def DaemonSet(self):
        selector, labels = self.selected()
        return "apps/v1", {"spec": {"selector": selector, "template": self.template(labels), "updateStrategy": self.maybe(0.2, {"type": "OnDelete"})}}

    def ReplicaSet(self):
        selector, labels = self.selected()
        return "apps/v1", {"spec": {"replicas": self.maybe(0.7, self.w.integer), "selector": selector, "template": self.template(labels)}}

    def ReplicationController(self):
        labels = self.w.labels(1, 2)
        return "v1", {"spec": {"replicas": self.maybe(0.7, self.w.integer), "selector": self.maybe(0.8, labels), "template": self.template(labels)}}

    def Pod(self):
        return "v1", {"spec": self.pod_spec()}

    def PodTemplate(self):
        return "v1", {"template": self.template(self.w.labels(1, 2))}

    def Job(self):
        return "batch/v1", {"spec": {"template": self.template(self.w.labels(0, 2)), "backoffLimit": self.maybe(0.5, 4), "selector": self.maybe(0.1, {"matchLabels": {"a": "b"}}),
                                     "parallelism": self.maybe(0.2, 2), "ttlSecondsAfterFinished": self.maybe(0.2, 100)}}

    def CronJob(self):
        return self.w.pick(["batch/v1", "batch/v1", "batch/v1beta1"]), {"spec": {
            "schedule": self.w.pick(["*/5 * * * *", "@daily", "0 0 * * 0"]), "concurrencyPolicy": self.maybe(0.4, "Forbid"), "suspend": self.maybe(0.1, False),
            "jobTemplate": {"metadata": self.maybe(0.2, lambda: {"labels": self.w.labels()}),
                            "spec": {"template": self.template(self.w.labels(0, 2)), "selector": self.maybe(0.1, {"matchLabels": {"a": "b"}})}}}}

    def Service(self):
        port = lambda: {"port": self.w.integer(), "targetPort": self.maybe(0.6, lambda: self.w.pick(["http", 8080, "$(PORT)"])),  # noqa: E731
                        "name": self.maybe(0.6, lambda: self.w.pick(["http", "https", "grpc"])), "protocol": self.maybe(0.4, lambda: self.w.pick(["TCP", "UDP"])),
                        "nodePort": self.maybe(0.1, 30080)}
        if self.w.some(0.1):
            dns = [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}, {"name": "other", "port": 54}]
            return "v1", {"spec": {"selector": self.w.labels(1, 1), "ports": dns[: self.rng.randint(2, 3)]}}
        return "v1", {"spec": self.order({
            "type": self.maybe(0.4, lambda: self.w.pick(["ClusterIP", "LoadBalancer", "NodePort", "ExternalName"])), "selector": self.maybe(0.85, lambda: self.w.labels(1, 2)),
            "ports": self.maybe(0.9, lambda: self.several(port)), "clusterIP": self.maybe(0.1, lambda: self.w.pick([Raw("None"), "10.0.0.1", ""])),
            "externalName": self.maybe(0.05, "db.example.com"), "loadBalancerSourceRanges": self.maybe(0.05, ["10.0.0.0/8", "192.168.0.0/16"])})}

    def ConfigMap(self):
        if self.w.some(0.12):
            return "v1", {"data": {"config.json": self.structured(json=True), "config.yaml": self.structured(json=False), "plain": "text"}}
        keys = self.rng.sample(["a", "key", "config.yaml", "nginx.conf", "app.properties", "LOG", "1", "on"], self.rng.randint(0, 4))
        return "v1", {"data": self.maybe(0.95, lambda: {k: self.w.text() for k in keys}), "binaryData": self.maybe(0.07, {"bin": "AAEC"}),
                      "immutable": self.maybe(0.05, True)}

    def structured(self, json):
        """A text that is a document itself."""
        tree = {"host": "db.example.com:5432", "port": 5432, "on": True, "none": None, "list": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}], "deep": {"er": "x y"}}
        if json:
            return styled.jsonlike(tree, self.w.pick([None, 2, 4]))
        return styled.document(self.rng, tree, self.w.pick([0, 0.5]))

    def Secret(self):
        keys = self.rng.sample(["a", "password", "tls.crt", "tls.key", "user"], self.rng.randint(0, 3))
        return "v1", {"type": self.maybe(0.7, lambda: self.w.pick(["Opaque", "kubernetes.io/tls", "kubernetes.io/dockerconfigjson"])),
                      "data": self.maybe(0.7, lambda: {k: self.w.pick(["aGVsbG8=", "cGFzcw==", ""]) for k in keys}),
                      "stringData": self.maybe(0.3, lambda: {"plain": self.w.text()})}

    def ServiceAccount(self):
        return "v1", {"secrets": self.maybe(0.2, lambda: [{"name": self.ref("Secret")}]), "imagePullSecrets": self.maybe(0.3, lambda: [{"name": self.ref("Secret")}]),
                      "automountServiceAccountToken": self.maybe(0.2, False)}

    def Namespace(self):
        return "v1", {"spec": self.maybe(0.1, {"finalizers": ["kubernetes"]})}

    def PersistentVolume(self):
        source = self.w.pick([{"hostPath": {"path": "/srv"}}, {"nfs": {"server": "$(NFS)", "path": "/"}},
                              {"azureFile": {"secretName": self.ref("Secret"), "shareName": "s"}},
                              {"csi": {"driver": "d", "volumeHandle": "h", "nodeStageSecretRef": {"name": self.ref("Secret"), "namespace": "default"}}}])
        return "v1", {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"], "storageClassName": self.maybe(0.6, lambda: self.ref("StorageClass")),
                               "claimRef": self.maybe(0.2, lambda: {"name": self.ref("PersistentVolumeClaim"), "namespace": "default"}), **source}}

    def PersistentVolumeClaim(self):
        return "v1", {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": self.maybe(0.3, lambda: self.ref("PersistentVolume")),
                               "storageClassName": self.maybe(0.5, lambda: self.ref("StorageClass"))}}

    def StorageClass(self):
        return "storage.k8s.io/v1", {"provisioner": "kubernetes.io/glusterfs", "parameters": self.maybe(0.6, lambda: {
            self.w.pick(["secretName", "adminSecretName", "userSecretName", "secretRef", "type"]): self.ref("Secret")}), "allowVolumeExpansion": self.maybe(0.3, True)}

    def PriorityClass(self):
        return "scheduling.k8s.io/v1", {"value": self.w.pick([1000, 1000000, -1]), "globalDefault": self.maybe(0.4, False), "description": self.maybe(0.5, self.w.text)}

    def Ingress(self):
        new = self.w.some(0.75)

        def backend():
            name, port = self.ref("Service"), self.w.pick([80, "http"])
            if new:
                return {"service": {"name": name, "port": {"number": port} if isinstance(port, int) else {"name": port}}}
            return {"serviceName": name, "servicePort": port}

        path = lambda: {"path": self.w.pick(["/", "/api", "/(.*)"]), "pathType": "Prefix" if new else Absent, "backend": backend()}  # noqa: E731
        rule = lambda: {"host": self.maybe(0.8, lambda: self.w.pick(["a.example.com", "$(HOST)", "*.example.com"])), "http": {"paths": self.several(path, 1, 2)}}  # noqa: E731
        return "networking.k8s.io/v1" if new else self.w.pick(["networking.k8s.io/v1beta1", "extensions/v1beta1"]), {"spec": {
            "ingressClassName": self.maybe(0.4, lambda: self.ref("IngressClass")), "defaultBackend" if new else "backend": self.maybe(0.3, backend),
            "rules": self.maybe(0.9, lambda: self.several(rule, 1, 2)), "tls": self.maybe(0.4, lambda: [{"hosts": ["a.example.com"], "secretName": self.ref("Secret")}])}}

    def IngressClass(self):
        return "networking.k8s.io/v1", {"spec": {"controller": "example.com/ingress", "parameters": self.maybe(0.3, {"kind": "IngressParameters", "name": "x", "apiGroup": "k8s.example.com"})}}

    def NetworkPolicy(self):
        peer = lambda: self.w.pick([{"podSelector": {"matchLabels": self.w.labels(1, 1)}}, {"namespaceSelector": {"matchLabels": {"a": "b"}}},  # noqa: E731
                                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"podSelector": {}}])
        return "networking.k8s.io/v1", {"spec": {
            "podSelector": self.w.pick([{}, {"matchLabels": self.w.labels(1, 2)}]), "policyTypes": self.maybe(0.5, ["Ingress", "Egress"]),
            "ingress": self.maybe(0.6, lambda: [{"from": self.several(peer), "ports": self.maybe(0.5, [{"port": 80, "protocol": "TCP"}])}]),
            "egress": self.maybe(0.4, lambda: [{"to": self.several(peer)}])}}

    def rules(self):
        kind, resource = self.w.pick([("ConfigMap", "configmaps"), ("Secret", "secrets"), ("PersistentVolume", "persistentvolumes"), ("Deployment", "deployments")])
        return {"apiGroups": ["" if kind != "Deployment" else "apps"], "resources": [resource], "verbs": self.w.pick([["get", "list"], ["*"]]),
                "resourceNames": self.maybe(0.5, lambda: [self.ref(kind), "other"])}

    def Role(self):
        return "rbac.authorization.k8s.io/v1", {"rules": self.several(self.rules)}

    def ClusterRole(self):
        return "rbac.authorization.k8s.io/v1", {"rules": self.several(self.rules), "aggregationRule": self.maybe(0.1, {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})}

    def subject(self):
        kind = self.w.pick(["ServiceAccount"] * 4 + ["User", "Group"])
        if kind != "ServiceAccount":
            return {"kind": kind, "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
        named = [(n, s) for k, n, s in self.known if k == "ServiceAccount"]
        name, namespace = self.w.pick(named) if named and self.w.some(0.8) else (self.w.pick(["default", "sa"]), None)
        return {"kind": kind, "name": name, "namespace": self.maybe(0.7, namespace or self.w.namespace())}

    def RoleBinding(self):
        role = self.w.pick(["Role", "ClusterRole"])
        return "rbac.authorization.k8s.io/v1", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": self.ref(role)},
                                                "subjects": self.maybe(0.95, lambda: self.several(self.subject))}

    def ClusterRoleBinding(self):
        return "rbac.authorization.k8s.io/v1", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.ref("ClusterRole")},
                                                "subjects": self.maybe(0.95, lambda: self.several(self.subject))}

    def HorizontalPodAutoscaler(self):
        kind = self.w.pick(["Deployment", "StatefulSet", "ReplicaSet"])
        return self.w.pick(["autoscaling/v2", "autoscaling/v1", "autoscaling/v2beta2"]), {"spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": self.ref(kind)}, "minReplicas": self.maybe(0.6, 1), "maxReplicas": 10,
            "metrics": self.maybe(0.4, [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}])}}

    def PodDisruptionBudget(self):
        return self.w.pick(["policy/v1", "policy/v1beta1"]), {"spec": {"minAvailable": self.w.pick([1, "50%"]), "selector": self.maybe(0.9, lambda: {"matchLabels": self.w.labels(1, 2)})}}

    def webhook(self):
        return {"name": self.w.pick(["a.example.com", "b.example.com"]), "clientConfig": {
            "service": {"name": self.ref("Service"), "namespace": self.w.namespace(), "path": self.maybe(0.5, "/validate")}, "caBundle": self.maybe(0.3, Raw("Cg=="))},
            "rules": self.maybe(0.6, [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}]),
            "sideEffects": Raw("None"), "admissionReviewVersions": ["v1"], "failurePolicy": self.maybe(0.3, "Fail")}

    def ValidatingWebhookConfiguration(self):
        return "admissionregistration.k8s.io/v1", {"webhooks": self.several(self.webhook, 1, 2)}

    def MutatingWebhookConfiguration(self):
        return "admissionregistration.k8s.io/v1", {"webhooks": self.several(self.webhook, 1, 2)}

    def ValidatingAdmissionPolicy(self):
        return "admissionregistration.k8s.io/v1", {"spec": {"validations": [{"expression": "object.spec.replicas <= 5"}]}}

    def ValidatingAdmissionPolicyBinding(self):
        return "admissionregistration.k8s.io/v1", {"spec": {"policyName": self.ref("ValidatingAdmissionPolicy"), "validationActions": ["Deny"]}}

    def APIService(self):
        return "apiregistration.k8s.io/v1", {"spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                                                      "service": {"name": self.ref("Service"), "namespace": self.w.namespace()}}}

    def CustomResourceDefinition(self):
        return "apiextensions.k8s.io/v1", {"spec": {
            "group": "example.com", "names": {"kind": "Widget", "plural": "widgets"}, "scope": self.w.pick(["Namespaced", "Cluster"]),
            "conversion": self.maybe(0.3, lambda: {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {
                "service": {"name": self.ref("Service"), "namespace": self.w.namespace()}}}}),
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}}]}}

    def LimitRange(self):
        return "v1", {"spec": {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}}

    def ResourceQuota(self):
        return "v1", {"spec": {"hard": {"pods": self.w.pick(["10", 10]), "limits.cpu": "4"}}}

    def Endpoints(self):
        return "v1", {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80, "name": "http"}]}]}

    def Lease(self):
        return "coordination.k8s.io/v1", {"spec": {"holderIdentity": "x", "leaseDurationSeconds": 15}}

    # Kinds that no schema knows.

    def Widget(self):
        return "example.com/v1", {"spec": {
            "containers": self.maybe(0.3, lambda: [self.container("main")]), "replicas": self.maybe(0.3, 2), "image": self.maybe(0.3, self.w.image),
            "configRef": self.maybe(0.5, lambda: {"name": self.ref("ConfigMap"), "kind": "ConfigMap", "apiVersion": "v1"}),
            "secretName": self.maybe(0.3, lambda: self.ref("Secret")), "serviceName": self.maybe(0.3, lambda: self.ref("Service")),
            "items": self.maybe(0.4, lambda: [{"name": "a", "value": self.w.scalar()}, {"name": "b", "value": self.w.scalar()}]),
            "settings": self.maybe(0.6, lambda: {"x": self.w.tree(), "y": self.w.tree()}), "selector": self.maybe(0.2, lambda: self.w.labels(1, 1)),
            "list": self.maybe(0.3, ["a", "b", "c"]), "template": self.maybe(0.2, lambda: self.template(self.w.labels(1, 1)))}}

    def Rollout(self):
        selector, labels = self.selected()
        return "argoproj.io/v1alpha1", {"spec": {"replicas": 1, "selector": selector, "template": self.template(labels), "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}}}

    def KnativeService(self):
        return "serving.knative.dev/v1", {"spec": {"template": {"spec": {"containers": [self.container("main")]}}}}

    def ServiceMonitor(self):
        return "monitoring.coreos.com/v1", {"spec": {"selector": {"matchLabels": self.w.labels(1, 1)}, "endpoints": [{"port": "http", "interval": "30s"}]}}


WEIGHTS = {"Deployment": 14, "Service": 8, "ConfigMap": 10, "Secret": 5, "StatefulSet": 6, "DaemonSet": 3, "ReplicaSet": 2, "ReplicationController": 1, "Pod": 3,
           "PodTemplate": 1, "Job": 3, "CronJob": 4, "ServiceAccount": 5, "Namespace": 2, "PersistentVolume": 2, "PersistentVolumeClaim": 3, "StorageClass": 2,
           "PriorityClass": 1, "Ingress": 5, "IngressClass": 1, "NetworkPolicy": 2, "Role": 2, "ClusterRole": 2, "RoleBinding": 4, "ClusterRoleBinding": 3,
           "HorizontalPodAutoscaler": 3, "PodDisruptionBudget": 2, "ValidatingWebhookConfiguration": 2, "MutatingWebhookConfiguration": 1, "APIService": 1,
           "ValidatingAdmissionPolicy": 0.5, "ValidatingAdmissionPolicyBinding": 0.5, "CustomResourceDefinition": 2, "LimitRange": 0.5, "ResourceQuota": 0.5,
           "Endpoints": 0.5, "Lease": 0.3, "Widget": 5, "Rollout": 1, "KnativeService": 1, "ServiceMonitor": 1}
CLUSTER = {"Namespace", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration",
           "MutatingWebhookConfiguration", "APIService", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "CustomResourceDefinition"}
# Kinds that others refer to come first, so that names are there to be referred to.
FIRST = ["StorageClass", "PriorityClass", "PersistentVolume", "Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Service", "IngressClass", "Role", "ClusterRole"]


def make_objects(words, count, namespace_rate=0.35):
    """Objects with distinct identities: [(kind, name, namespace or None, tree)]."""
    kinds = Kinds(words)
    rng = words.rng
    weights = {k: v for k, v in WEIGHTS.items() if k not in ("Namespace", "CustomResourceDefinition", "APIService") or not words.forked}
    chosen = rng.choices(list(weights), weights.values(), k=count)
    order = list(range(count))
    order.sort(key=lambda i: FIRST.index(chosen[i]) if chosen[i] in FIRST else len(FIRST))
    shared = rng.choice([None, None, words.namespace()])
    made = {}
    taken = set()
    for i in order:
        kind = chosen[i]
        version, fields = getattr(kinds, kind)()
        real = "Service" if kind == "KnativeService" else kind
        name = words.name()
        while (real, version, name) in taken:
            name = f"{words.name()}-{rng.randint(2, 99)}"
        taken.add((real, version, name))
        namespace = None
        if kind not in CLUSTER and rng.random() < namespace_rate:
            namespace = shared or words.namespace()
        if kind == "Namespace":
            name = words.namespace() if rng.random() < 0.5 else name
            if (real, version, name) in taken:
                name += f"-{rng.randint(2, 99)}"
            taken.add((real, version, name))
        tree = clean({"apiVersion": version, "kind": real, "metadata": kinds.meta(name, namespace), **fields})
        if rng.random() < 0.1:
            tree = words.shuffled(tree)
        kinds.known.append((real, name, namespace))
        made[i] = (real, name, namespace, tree)
    objects = [made[i] for i in range(count)]
    return objects
