/* rules.c - see rules.h. */
#include "check/rules.h"

const struct check_rule_info check_rules[RULE_COUNT] = {
	[RULE_RENDER] = { "render", CHECK_ERROR,
			  "A file, a document or an object cannot be read, or reads as something else",
			  "Correct the place that is named; other objects are checked all the same." },
	[RULE_UNKNOWN_KIND] = { "unknown-kind", CHECK_WARNING, "No schema is known for this kind",
				"Correct a misspelt kind or apiVersion. Of a custom kind hand in its "
				"CustomResourceDefinition with --schema, or keep it in the repository." },
	[RULE_UNKNOWN_FIELD] = { "unknown-field", CHECK_ERROR, "The kind has no such field",
				 "Correct the name or the place of the field, or remove it." },
	[RULE_WRONG_TYPE] = { "wrong-type", CHECK_ERROR, "The value is of another type than the field",
			      "Write a value of the type that is named; numbers and booleans that are meant "
			      "as text want quotes." },
	[RULE_MISSING_FIELD] = { "missing-field", CHECK_ERROR, "A required field is missing",
				 "Add the field." },
	[RULE_BAD_VALUE] = { "bad-value", CHECK_ERROR, "The value is none that the field takes",
			     "Use one of the values, or the form, that the message names." },
	[RULE_DUPLICATE_ITEM] = { "duplicate-item", CHECK_ERROR,
				  "Two items of a list have the same key, which a server-side apply refuses",
				  "Remove or rename one of them." },
	[RULE_BAD_SCHEMA] = { "bad-schema", CHECK_WARNING,
			      "A CustomResourceDefinition or a schema is not used as it stands",
			      "Correct the schema; objects of the kind are checked by what could be read." },
	[RULE_REMOVED_API] = { "removed-api", CHECK_ERROR,
			       "The Kubernetes version does not serve this API any more",
			       "Use the apiVersion that is named; fields may have moved." },
	[RULE_DEPRECATED_API] = { "deprecated-api", CHECK_WARNING,
				  "The API will be removed in a later version",
				  "Use the apiVersion that is named." },
	[RULE_API_NOT_AVAILABLE] = { "api-not-available", CHECK_ERROR,
				     "The API is only in other versions of Kubernetes than the chosen one",
				     "Use an apiVersion that the version serves, or choose the version that runs "
				     "with --kubernetes-version." },
	[RULE_DUPLICATE_OBJECT] = { "duplicate-object", CHECK_ERROR,
				    "Two objects are one and the same in the cluster",
				    "Remove one of them, or give it another name." },
	[RULE_SHARED_OBJECT] = { "shared-object", CHECK_WARNING,
				 "Two environments of one cluster have the same object",
				 "Give each environment a namespace or a name of its own." },
	[RULE_MISSING_NAMESPACE] = { "missing-namespace", CHECK_NOTE, "No object makes the namespace",
				     "Add a Namespace, or let it be if somebody else makes it." },
	[RULE_NAMESPACE_IGNORED] = { "namespace-ignored", CHECK_WARNING,
				     "A cluster-wide kind has no namespace", "Remove metadata.namespace." },
	[RULE_MISSING_CONFIGMAP] = { "missing-configmap", CHECK_WARNING, "No object provides the ConfigMap",
				     "Add it or correct the name. If something else makes it, say so with the "
				     "annotation capstan.dev/external: ConfigMap/NAME, or with `optional: true`." },
	[RULE_MISSING_SECRET] = { "missing-secret", CHECK_WARNING, "No object provides the Secret",
				  "Add it or correct the name. If something else makes it, say so with the "
				  "annotation capstan.dev/external: Secret/NAME, or with `optional: true`." },
	[RULE_MISSING_KEY] = { "missing-key", CHECK_WARNING, "The ConfigMap or Secret has no such key",
			       "Add the key or correct its name." },
	[RULE_MISSING_SERVICE] = { "missing-service", CHECK_WARNING, "No object provides the Service",
				   "Add it or correct the name. If something else makes it, say so with the "
				   "annotation capstan.dev/external: Service/NAME." },
	[RULE_MISSING_SERVICEACCOUNT] = { "missing-serviceaccount", CHECK_WARNING,
					  "No object provides the ServiceAccount, without which no pod starts",
					  "Add it or correct the name. If something else makes it, say so with the "
					  "annotation capstan.dev/external: ServiceAccount/NAME." },
	[RULE_MISSING_PVC] = { "missing-pvc", CHECK_WARNING, "No object provides the PersistentVolumeClaim",
			       "Add it or correct the name. If something else makes it, say so with the "
			       "annotation capstan.dev/external: PersistentVolumeClaim/NAME." },
	[RULE_MISSING_ROLE] = { "missing-role", CHECK_WARNING, "No object provides the Role or ClusterRole",
				"Add it or correct the name. If something else makes it, say so with the "
				"annotation capstan.dev/external: ClusterRole/NAME." },
	[RULE_MISSING_TARGET] = { "missing-target", CHECK_WARNING, "The object that is scaled is not there",
				  "Correct kind and name of the target, or add it." },
	[RULE_UNKNOWN_VOLUME] = { "unknown-volume", CHECK_ERROR, "The pod has no volume of that name",
				  "Add the volume or correct the name of the mount." },
	[RULE_UNKNOWN_PORT] = { "unknown-port", CHECK_WARNING, "Nothing has a port of that name or number",
				"Correct the port, or name it where it is opened." },
	[RULE_SELECTOR_MISMATCH] = { "selector-mismatch", CHECK_ERROR,
				     "The selector does not match the labels of the object's own template",
				     "Give the template the labels that the selector asks for." },
	[RULE_SELECTOR_MATCHES_NOTHING] = { "selector-matches-nothing", CHECK_WARNING,
					    "The selector matches no pod template",
					    "Correct the selector, or the labels of the pods that are meant." },
	[RULE_PLAINTEXT_SECRET] = { "plaintext-secret", CHECK_WARNING, "A Secret lies in git unencrypted",
				    "Encrypt it with SOPS, or use a SealedSecret or an ExternalSecret." },
	[RULE_PRIVATE_KEY] = { "private-key", CHECK_ERROR, "A private key lies in git unencrypted",
			       "Take it out, replace the key, and encrypt the new one." },
	[RULE_CLOUD_KEY] = { "cloud-key", CHECK_ERROR, "A key of a cloud account lies in git unencrypted",
			     "Revoke the key: whoever can read the repository has it. Encrypt the new one." },
	[RULE_TOKEN] = { "token", CHECK_ERROR, "An access token lies in git unencrypted",
			 "Revoke the token: whoever can read the repository has it. Encrypt the new one." },
	[RULE_PASSWORD] = { "password", CHECK_WARNING, "What looks like a password lies in git unencrypted",
			    "Keep it in an encrypted Secret and refer to that. If it is none, allow it with a reason." },
	[RULE_UNUSED_ALLOW] = { "unused-allow", CHECK_NOTE, "An entry of the allow-list matches nothing",
				"Remove the entry." },
};

enum check_rule check_rule_find(struct str id)
{
	size_t rule = 0;
	while (rule < RULE_COUNT && !str_is(id, check_rules[rule].id))
		rule++;
	return (enum check_rule)rule;
}

static const char *const severities[] = {
	[CHECK_OFF] = "off",
	[CHECK_NOTE] = "note",
	[CHECK_WARNING] = "warning",
	[CHECK_ERROR] = "error",
};

const char *check_severity_name(enum check_severity severity)
{
	return severities[severity];
}

bool check_severity_find(struct str text, enum check_severity *out)
{
	for (size_t i = 0; i <= CHECK_ERROR; i++) {
		if (!str_is(text, severities[i]))
			continue;
		*out = (enum check_severity)i;
		return true;
	}
	return false;
}

bool check_rule_is_secret(enum check_rule rule)
{
	return rule == RULE_PLAINTEXT_SECRET || rule == RULE_PRIVATE_KEY || rule == RULE_CLOUD_KEY ||
	       rule == RULE_TOKEN || rule == RULE_PASSWORD;
}
