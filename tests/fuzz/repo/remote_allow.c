/* What is allowed under a prefix has that prefix's host for curl, too, which reads urls for git. */
#include <curl/curl.h>
#include <stdlib.h>

#include "base/str.h"
#include "repo/remote_allow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const char *url, const char *wanted)
{
	char *host = NULL;
	CURLU *parsed = curl_url();
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && strcasecmp(host, wanted) != 0)
		abort();
	curl_free(host);
	curl_url_cleanup(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest, text = { (const char *)data, size }, first = str_cut(text, '\n', &rest);
	cleanup_free char *url = mem_strndup(first.p, first.n), *prefix = mem_strndup(rest.p, rest.n);
	if (strlen(url) != first.n)
		return 0;
	if (remote_allow_matches("https://good.example/acme/", url))
		check_host(url, "good.example");
	if (remote_allow_matches(prefix, url) && remote_allow_check(prefix, NULL) != 0)
		abort();
	return 0;
}
