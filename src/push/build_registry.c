/*
 * build_registry.c - digests of images, and which registries are asked at all: a Dockerfile names hosts, and
 * what is asked from here is asked from inside of the cluster.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include "push/build_parts.h"
#include "registry/wait.h"

_Static_assert(BUILD_DIGEST_LEN == REGISTRY_DIGEST_LEN, "a digest is a digest");

#define FIND_TIMEOUT_MS 30000

bool build_is_own(const struct build_request *request, const char *image)
{
	const char *url = request->repo->registry.url;
	if (!url)
		return false;
	struct str rest, own = str_cut(str_of(url), '/', &rest), host = str_cut(str_of(image), '/', &rest);
	return str_eq(own, host);
}

int build_find(const struct build_job *job, const char *image, char digest[BUILD_DIGEST_LEN + 1],
	       struct error *err)
{
	const struct hosted_registry *own = &job->request->repo->registry;
	bool ours = build_is_own(job->request, image);
	struct registry_access access = {
		.username = ours ? own->username : NULL,
		.password = ours ? own->password : NULL,
		.insecure = ours && own->insecure,
		.timeout_ms = FIND_TIMEOUT_MS,
		.cancel = job->stop,
	};
	if (atomic_load(job->stop))
		return error_set(err, "was cancelled");
	return registry_find(image, &access, digest, err);
}

/* Of this machine, or of its link: where clouds keep the machine's own credentials (169.254.169.254). */
static bool is_near_4(uint32_t address)
{
	return address >> 24 == 127 || address >> 16 == 0xa9fe || address >> 24 == 0;
}

static bool is_near(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_near_4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(six) || IN6_IS_ADDR_V4COMPAT(six)) {
		uint32_t four;
		memcpy(&four, six->s6_addr + 12, 4);
		return IN6_IS_ADDR_LOOPBACK(six) || is_near_4(ntohl(four));
	}
	/* fd00:ec2::254 is a cloud's, too. */
	return IN6_IS_ADDR_LOOPBACK(six) || IN6_IS_ADDR_LINKLOCAL(six) || IN6_IS_ADDR_UNSPECIFIED(six) ||
	       (six->s6_addr[0] == 0xfd && six->s6_addr[1] == 0x00 && six->s6_addr[2] == 0x0e &&
		six->s6_addr[3] == 0xc2);
}

const char *build_host_refused(struct arena *a, const struct build_request *request, const char *image)
{
	struct addrinfo *list = NULL, hints = { .ai_socktype = SOCK_STREAM };
	struct str rest, host = str_cut(str_of(image), '/', &rest);
	if (build_is_own(request, image))
		return NULL;
	size_t colon = str_find(host, ':', 0), close = str_find(host, ']', 0);
	if (host.n && host.p[0] == '[' && close != SIZE_MAX) {
		host = (struct str){ host.p + 1, close - 1 };
		colon = SIZE_MAX;
	}
	if (colon != SIZE_MAX)
		host.n = colon;
	const char *name = arena_strndup(a, host.p, host.n);
	int rc = getaddrinfo(name, NULL, &hints, &list);
	if (rc != 0)
		return arena_printf(a, "%s: %s", name, gai_strerror(rc));
	bool near = false;
	for (struct addrinfo *i = list; i; i = i->ai_next)
		near = near || is_near(i->ai_addr);
	freeaddrinfo(list);
	return near ? "the registry is on this machine or its link, and it is not that of the repository; nothing is "
		      "fetched from there"
		    : NULL;
}
