/*
 * build_buildah.c - a Dockerfile built by buildah, in three boxes one after the other:
 *
 *   pull    base images into the store: with the network and the registry's password; runs nothing of theirs
 *   build   with what the Dockerfile says, secrets that it may read, and no way out
 *   push    the image from the store: with the network and the password again
 *
 * So no program of a repository ever runs where the password is. Base images are named by digest in the
 * Dockerfile that buildah gets, and it never pulls: what is built is what the image's name was made of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/vec.h"
#include "io/file.h"
#include "push/build_parts.h"
#include "push/egress.h"
#include "registry/credentials.h"
#include "repo/files.h"

#define ANSWER_MAX 1024u /* bytes of a file that says an image's id or digest */
#define WORDS_MAX 1024u

struct builder {
	struct build_job *job;
	struct build_work work;
	const char *program;
	uint64_t disk;
	int64_t deadline_ms;
	const char *const *allowed; /* hosts that builds reach, public or not */
	VEC(const char *) argv;
	VEC(struct box_file) files;
	VEC(struct box_bind) binds;
};

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
static const char group[] = "root:x:0:\nnogroup:x:65534:\n";
static const char policy[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}\n";
static const char storage[] =
	"[storage]\ndriver = \"overlay\"\ngraphroot = \"/store/root\"\nrunroot = \"/store/run\"\n";

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LANG=C.UTF-8",
	"TMPDIR=/var/tmp",
	"XDG_RUNTIME_DIR=/run",
	"BUILDAH_ISOLATION=chroot",
	"_CONTAINERS_USERNS_CONFIGURED=done", /* the user namespace is here already */
	NULL,
};

static const char *find_program(void)
{
	static const char *const places[] = { "/usr/local/bin/buildah", "/usr/bin/buildah" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* --- what a box gets --- */

static void add_word(struct builder *b, const char *word)
{
	vec_push(&b->argv, word);
}

static void add_words(struct builder *b, const char *const *words)
{
	for (; *words; words++)
		add_word(b, *words);
}

#define ADD_WORDS(b, ...) add_words(b, (const char *const[]){ __VA_ARGS__, NULL })

static void add_file(struct builder *b, const char *path, struct str data)
{
	vec_push(&b->files, ((struct box_file){ path, data }));
}

static void add_bind(struct builder *b, const char *from, const char *to, bool write)
{
	vec_push(&b->binds, ((struct box_bind){ from, to, write }));
}

static const char *in_work(struct builder *b, const char *name)
{
	return arena_printf(&b->job->a, "%s/%s", b->work.dir, name);
}

/* Only the registry of the repository may be without TLS, and no short name means more than one image. */
static const char *registries(struct builder *b)
{
	const struct hosted_registry *r = &b->job->request->repo->registry;
	struct str rest, host = str_cut(str_of(r->url ? r->url : ""), '/', &rest);
	if (!r->insecure || !host.n)
		return "unqualified-search-registries = []\n";
	return arena_printf(
		&b->job->a,
		"unqualified-search-registries = []\n[[registry]]\nlocation = \"%.*s\"\ninsecure = true\n",
		STR_ARG(host));
}

/* What docker calls config.json; "" without a password. */
static const char *authentication(struct builder *b)
{
	const struct hosted_registry *r = &b->job->request->repo->registry;
	struct registry_login login = { .username = r->username, .password = r->password };
	struct str rest, host = str_cut(str_of(r->url ? r->url : ""), '/', &rest);
	if (!r->username || !host.n)
		return "{\"auths\":{}}\n";
	const char *basic = registry_basic(&b->job->a, &login);
	return arena_printf(&b->job->a, "{\"auths\":{\"%.*s\":{\"auth\":\"%s\"}}}\n", STR_ARG(host),
			    basic + strlen("Basic "));
}

static void begin(struct builder *b)
{
	b->argv.n = b->files.n = b->binds.n = 0;
	add_file(b, "/etc/passwd", str_of(passwd));
	add_file(b, "/etc/group", str_of(group));
	add_file(b, "/etc/containers/policy.json", str_of(policy));
	add_file(b, "/etc/containers/storage.conf", str_of(storage));
	add_file(b, "/etc/containers/registries.conf", str_of(registries(b)));
	add_bind(b, arena_printf(&b->job->a, "%s/store", b->job->store.dir), "/store", true);
	add_bind(b, in_work(b, "out"), "/out", true);
	add_bind(b, in_work(b, "tmp"), "/var/tmp", true);
	add_bind(b, in_work(b, "tmp"), "/tmp", true);
	ADD_WORDS(b, b->program, "--root", "/store/root", "--runroot", "/store/run");
}

static uint64_t or_default(int64_t value, uint64_t otherwise)
{
	return value ? (uint64_t)value : otherwise;
}

static int run(struct builder *b, enum box_network network, const char *what, struct error *err)
{
	struct box_result result;
	const struct environments_build *build = b->job->build;
	int64_t left = b->deadline_ms - clock_mono_ms();
	add_word(b, NULL);
	struct box box = {
		.argv = b->argv.at,
		.env = environment,
		.dir = "/",
		.binds = b->binds.at,
		.n_binds = b->binds.n,
		.files = b->files.at,
		.n_files = b->files.n,
		.overlay = "/store",
		.network = network,
		.allowed = b->allowed,
		.timeout_ms = left > 0 ? left : 1,
		.memory_bytes = or_default(build->memory_bytes, BUILD_MEMORY_BYTES),
		.disk_bytes = b->disk,
		.cpus_milli = build->cpus_milli,
		.pids_max = BOX_PIDS,
	};
	if (box_run(&box, build_line, b->job, b->job->stop, b->job->request->deadline_ms, &result, err) < 0)
		return error_wrap(err, "%s: the box that it runs in cannot be made", what);
	if (result.end != BOX_EXITED) {
		build_store_mark(&b->job->store);
		return build_failed(b->job, err, "%s %s", what, box_end_text(&b->job->a, &box, &result));
	}
	if (result.exit_code != 0)
		return build_failed(b->job, err, "%s failed", what);
	return 0;
}

/* A small text that a box wrote, which may be anything. */
static int read_answer(struct builder *b, const char *name, const char **out, struct error *err)
{
	char text[ANSWER_MAX];
	struct stat st;
	const char *path = in_work(b, name);
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
	if (n <= 0)
		return error_set(err, "buildah wrote no %s", name);
	struct str trimmed = str_trim((struct str){ text, (size_t)n });
	for (size_t i = 0; i < trimmed.n; i++)
		if (!strchr("0123456789abcdefsh:", trimmed.p[i]) || !trimmed.p[i])
			return error_set(err, "buildah wrote a %s that is none", name);
	*out = arena_strndup(&b->job->a, trimmed.p, trimmed.n);
	return 0;
}

/* --- the three --- */

static const char *pulled_path(struct builder *b, const char *image, const char *platform)
{
	char hex[HASH_HEX_LEN + 1];
	struct str parts[] = { str_of(image), str_of(platform ? platform : "") };
	hash_hex(hash_parts(parts, 2), hex);
	return arena_printf(&b->job->a, "%s/store/pulled-%s", b->job->store.dir, hex);
}

static int pull(struct builder *b, const char *image, const char *platform, struct error *err)
{
	const char *done = pulled_path(b, image, platform);
	if (access(done, F_OK) == 0)
		return 0;
	begin(b);
	add_file(b, "/auth.json", str_of(authentication(b)));
	ADD_WORDS(b, "pull", "--quiet", "--policy", "missing", "--authfile", "/auth.json");
	if (platform)
		ADD_WORDS(b, "--platform", platform);
	add_word(b, arena_printf(&b->job->a, "docker://%s", image));
	if (run(b, BOX_MACHINE, arena_printf(&b->job->a, "pulling %s", image), err) < 0)
		return -1;
	int fd = open(done, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd); /* without the mark it is pulled again */
	return 0;
}

static int pull_all(struct builder *b, const struct dockerfile *d, struct error *err)
{
	const struct environments_build *build = b->job->build;
	for (size_t i = 0; i < d->n_bases; i++) {
		const char *image = dockerfile_pinned(&b->job->a, &d->bases[i]);
		for (size_t k = 0; k < (build->n_platforms ? build->n_platforms : 1); k++)
			if (pull(b, image, build->n_platforms ? build->platforms[k] : NULL, err) < 0)
				return -1;
	}
	return 0;
}

static void add_args(struct builder *b)
{
	const struct environments_build *build = b->job->build;
	for (size_t i = 0; i < build->n_args; i++)
		ADD_WORDS(b, "--build-arg",
			  arena_printf(&b->job->a, "%s=%.*s", build->args[i].name,
				       STR_ARG(build->args[i].text)));
}

static void add_secrets(struct builder *b)
{
	for (size_t i = 0; i < b->job->n_secrets; i++) {
		const struct build_secret *s = &b->job->secrets[i];
		const char *path = arena_printf(&b->job->a, "/secrets/%s", s->name);
		add_file(b, path, s->data);
		ADD_WORDS(b, "--secret", arena_printf(&b->job->a, "id=%s,src=%s", s->name, path));
	}
}

static const char *joined_platforms(struct builder *b)
{
	cleanup_buf struct buf text = BUF_INIT;
	const struct environments_build *build = b->job->build;
	for (size_t i = 0; i < build->n_platforms; i++)
		buf_printf(&text, "%s%s", i ? "," : "", build->platforms[i]);
	return arena_strndup(&b->job->a, text.p ? text.p : "", text.n);
}

/* The list that images of several platforms are put into; of this build alone. */
static const char *list_name(struct builder *b)
{
	return arena_printf(&b->job->a, "localhost/capstan-%s", strrchr(b->work.dir, '/') + 1);
}

/*
 * The context has nothing that .dockerignore leaves out, so buildah is given an empty one. A build's root may
 * not chroot(): with that it could leave the directory that is its root.
 */
static int build(struct builder *b, const struct dockerfile *d, struct error *err)
{
	cleanup_buf struct buf pinned = BUF_INIT;
	const struct environments_build *what = b->job->build;
	dockerfile_pin(d, &pinned);
	begin(b);
	add_file(b, "/build/Dockerfile", buf_str(&pinned));
	add_file(b, "/build/ignore", (struct str){ "", 0 });
	add_bind(b, in_work(b, "context"), "/context", false);
	ADD_WORDS(b, "bud", "--isolation", "chroot", "--layers", "--pull-never", "--format", "docker",
		  "--cap-drop", "CAP_SYS_CHROOT", "--ignorefile", "/build/ignore", "--file",
		  "/build/Dockerfile");
	if (what->no_cache)
		add_word(b, "--no-cache");
	if (what->n_platforms)
		ADD_WORDS(b, "--platform", joined_platforms(b));
	if (what->n_platforms > 1)
		ADD_WORDS(b, "--manifest", list_name(b));
	else
		ADD_WORDS(b, "--iidfile", "/out/id");
	add_args(b);
	add_secrets(b);
	add_word(b, "/context");
	return run(b, BOX_EGRESS, "the build", err);
}

static int push(struct builder *b, const char *tag, struct error *err)
{
	const char *id = list_name(b);
	bool several = b->job->build->n_platforms > 1;
	if (!several && read_answer(b, "out/id", &id, err) < 0)
		return -1;
	begin(b);
	add_file(b, "/auth.json", str_of(authentication(b)));
	if (several)
		ADD_WORDS(b, "manifest", "push", "--all");
	else
		add_word(b, "push");
	ADD_WORDS(b, "--quiet", "--authfile", "/auth.json", "--digestfile", "/out/digest", id,
		  arena_printf(&b->job->a, "docker://%s", tag));
	return run(b, BOX_MACHINE, arena_printf(&b->job->a, "pushing %s", tag), err);
}

/* What killed builders left in the store; what cannot be cleaned is only in the way of the disk. */
static void clean_store(struct builder *b)
{
	struct error ignored = ERROR_INIT;
	/* What it says of mounts is not so: they ended with their namespace. Else it is kept, for what
	 * buildah found out about the file system. */
	files_remove(arena_printf(&b->job->a, "%s/store/run", b->job->store.dir));
	begin(b);
	ADD_WORDS(b, "rm", "--all");
	if (run(b, BOX_NO_NETWORK, "cleaning", &ignored) == 0)
		build_store_cleaned(&b->job->store);
}

static int build_and_push(struct builder *b, const struct build_context *context, const struct dockerfile *d,
			  const char *tag, char digest[BUILD_DIGEST_LEN + 1], struct error *err)
{
	const char *said;
	if (build_work_make(&b->job->store, &b->work, err) < 0)
		return -1;
	if (b->job->store.unclean)
		clean_store(b);
	if (build_context_write(context, in_work(b, "context"), b->disk, err) < 0 ||
	    pull_all(b, d, err) < 0 || build(b, d, err) < 0 || push(b, tag, err) < 0 ||
	    read_answer(b, "out/digest", &said, err) < 0)
		return -1;
	if (strlen(said) != BUILD_DIGEST_LEN || strncmp(said, "sha256:", 7) != 0)
		return error_set(err, "buildah says that it pushed %s, which is no digest", said);
	memcpy(digest, said, BUILD_DIGEST_LEN + 1);
	return 0;
}

static void release(struct builder *b)
{
	build_work_remove(&b->job->store, &b->work);
	vec_release(&b->argv);
	vec_release(&b->files);
	vec_release(&b->binds);
}

/* HOME/build-hosts: "host:port", one a line; it need not be there. */
static int read_allowed(struct builder *b, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = push_path(&b->job->a, b->job->request->home, BUILD_HOSTS, NULL);
	int rc = file_read(path, BUILD_HOSTS_MAX, &text, err);
	VEC(const char *) list = { 0 };
	if (rc)
		return rc < 0 ? -1 : 0;
	for (struct str rest = buf_str(&text); rest.n;) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		if (line.n && line.p[0] != '#' && list.n < EGRESS_ALLOWED_MAX)
			vec_push(&list, arena_strndup(&b->job->a, line.p, line.n));
	}
	const char **out = arena_array(&b->job->a, const char *, list.n + 1);
	for (size_t i = 0; i < list.n; i++)
		out[i] = list.at[i];
	b->allowed = out;
	vec_release(&list);
	return 0;
}

static int prepare(struct builder *b, struct build_job *job, struct error *err)
{
	*b = (struct builder){ .job = job, .program = find_program() };
	b->disk = or_default(job->build->disk_bytes, BUILD_DISK_BYTES);
	b->deadline_ms =
		clock_mono_ms() + (job->build->timeout_ms ? job->build->timeout_ms : BUILD_TIMEOUT_MS);
	if (!b->program)
		return error_set(
			err, "there is no buildah on this machine, and a Dockerfile is to be built; install "
			     "buildah, 1.28 or later");
	return read_allowed(b, err);
}

int build_by_buildah(struct build_job *job, const struct build_context *context,
		     const struct dockerfile *dockerfile, const char *tag, char digest[BUILD_DIGEST_LEN + 1],
		     struct error *err)
{
	struct builder b;
	int rc = prepare(&b, job, err);
	if (rc == 0)
		rc = build_and_push(&b, context, dockerfile, tag, digest, err);
	release(&b);
	return rc;
}
