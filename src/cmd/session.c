/* session.c - see session.h. */
#include "cmd/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

int session_config(const struct cli *cli, struct arena *a, struct kube_config *out, struct error *err)
{
	struct kube_config_options options = { .kubeconfig = cli->common.kubeconfig,
					       .context = cli->common.context };
	return kube_config_load(a, &options, out, err);
}

void session_log(const struct cli *cli)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	enum log_level least = LOG_INFO;
	for (size_t i = 0; cli->common.log_level && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(cli->common.log_level, levels[i]) == 0)
			least = (enum log_level)i;
	bool json = cli->common.log_format && strcmp(cli->common.log_format, "json") == 0;
	log_setup(least, json ? LOG_JSON : LOG_LOGFMT);
}

const char *session_cache_dir(struct arena *a)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (xdg && *xdg == '/')
		return arena_printf(a, "%s/capstan", xdg);
	if (home && *home == '/')
		return arena_printf(a, "%s/.cache/capstan", home);
	return arena_printf(a, "/tmp/capstan-%d", (int)getuid());
}

const char *session_namespace(const struct cli *cli, const struct kube_config *config)
{
	return cli->common.namespace ? cli->common.namespace : config->namespace;
}
