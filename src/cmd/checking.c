/* checking.c - see checking.h. */
#include "cmd/checking.h"

#include "cmd/manifests.h"

int checking_allow(struct check *c, const struct environments *all, struct error *err)
{
	for (size_t i = 0; i < all->n_allow_secrets; i++) {
		const struct environments_allowance *from = &all->allow_secrets[i];
		struct check_allowance to = { ENVIRONMENTS_FILE, from->line,	    from->path,
					      from->object,	 from->fingerprint, from->reason };
		if (check_allow_secret(c, &to, err) < 0)
			return -1;
	}
	return 0;
}

int checking_own_kinds(struct check *c, const struct check_environment *e, bool *known, struct error *err)
{
	bool any = false;
	for (size_t i = 0; i < e->n && !any; i++)
		any = str_is(e->objects[i].group, "capstan.dev");
	for (size_t i = 0; any && !*known && embedded_manifests[i].path; i++)
		if (str_starts(str_of(embedded_manifests[i].path), STR("crds/")) &&
		    check_schema(c, embedded_manifests[i].path, str_of(embedded_manifests[i].text), err) != 0)
			return -1;
	*known = *known || any;
	return 0;
}
