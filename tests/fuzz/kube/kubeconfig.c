/* kubeconfig.c - any bytes as a kubeconfig: an answer or an error, never a crash. */
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_config config;
	struct error err = ERROR_INIT;
	/* Paths in it are looked up in a directory that is not there. */
	int rc = kube_config_parse(&a, (struct str){ (const char *)data, size }, "/nonexistent", NULL,
				   &config, &err);
	if (rc == 0 ? !config.server || !config.namespace || !config.context : err.text[0] == '\0')
		abort();
	return 0;
}
