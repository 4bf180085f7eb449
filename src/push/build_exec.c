/*
 * build_exec.c - a program of the repository that builds in its own way: confined as renderers are, on a copy
 * of its directory. What it prints is one image reference with a digest, which its registry must have.
 */
#include "base/clock.h"
#include "base/vec.h"
#include "io/confine.h"
#include "push/build_parts.h"
#include "render/images.h"
#include "repo/tree.h"

#define PRINTED_MAX 4096u

static void tell_lines(struct build_job *job, struct str text)
{
	while (text.n) {
		cleanup_buf struct buf clean = BUF_INIT;
		box_clean_line(str_cut(text, '\n', &text), &clean);
		if (clean.n)
			build_line(job, clean.p);
	}
}

static int read_tree(struct build_job *job, struct repo_files *files, struct confine_file **out,
		     struct error *err)
{
	const struct build_request *r = job->request;
	int rc = repo_tree_read(r->git_dir, r->commit, job->build->context, NULL, &job->a, files, err);
	if (rc > 0)
		return error_set(err, "context %s: there is no such directory in the commit",
				 job->build->context);
	if (rc < 0)
		return -1;
	if (files->n_problems)
		return error_set(err, "%s: %s", files->problems[0].path, files->problems[0].text);
	size_t skip = strcmp(job->build->context, ".") ? strlen(job->build->context) + 1 : 0;
	struct confine_file *list = arena_array(&job->a, struct confine_file, files->n + 1);
	for (size_t i = 0; i < files->n; i++)
		list[i] = (struct confine_file){ files->files[i].path + skip, files->files[i].data,
						 (files->files[i].mode & 0111) != 0 };
	*out = list;
	return 0;
}

static int read_reference(struct build_job *job, struct str printed, struct built *out, struct error *err)
{
	struct image_ref ref;
	struct error why = ERROR_INIT;
	char found[BUILD_DIGEST_LEN + 1];
	cleanup_buf struct buf shown = BUF_INIT;
	printed = str_trim(printed);
	box_clean_line((struct str){ printed.p, printed.n < 200 ? printed.n : 200 }, &shown);
	if (image_ref_read(printed, &ref, &why) < 0)
		return error_set(err, "%s printed `%s`, which is no image: %s", job->build->command[0],
				 shown.p ? shown.p : "", why.text);
	if (!ref.digest.n)
		return error_set(err, "%s printed `%s`, which has no digest; print NAME@sha256:...",
				 job->build->command[0], shown.p);
	out->image = arena_printf(&job->a, "%.*s@%.*s", STR_ARG(ref.name), STR_ARG(ref.digest));
	const char *refused = build_host_refused(&job->a, job->request, out->image);
	if (refused)
		return error_set(err, "%s: %s", out->image, refused);
	int rc = build_find(job, out->image, found, err);
	if (rc > 0)
		return error_set(err, "%s printed %s, and its registry does not have it",
				 job->build->command[0], out->image);
	return rc;
}

/* Not longer than the push itself may take. */
static int64_t time_left(const struct build_job *job)
{
	int64_t most = job->build->timeout_ms ? job->build->timeout_ms : BUILD_TIMEOUT_MS;
	int64_t left = job->request->deadline_ms ? job->request->deadline_ms - clock_mono_ms() : most;
	left = left < most ? left : most;
	return left > 0 ? left : 1;
}

int build_exec(struct build_job *job, struct built *out, struct error *err)
{
	struct repo_files files = { 0 };
	struct confine_file *list = NULL;
	struct confine_result result;
	const struct environments_build *b = job->build;
	if (read_tree(job, &files, &list, err) < 0)
		return -1;
	struct confine_spec spec = {
		.argv = b->command,
		.files = list,
		.n_files = files.n,
		.timeout_ms = time_left(job),
		.memory_bytes = b->memory_bytes ? (uint64_t)b->memory_bytes : BUILD_MEMORY_BYTES,
		.disk_bytes = (uint64_t)b->disk_bytes,
		.output_max = PRINTED_MAX,
		.policy = job->request->require_confinement ? CONFINE_REQUIRE : CONFINE_TOLERATE,
		.cancel = job->stop,
	};
	int rc = confine_run(&spec, &result, err);
	if (rc == 0) {
		tell_lines(job, buf_str(&result.err));
		rc = confine_verdict(&spec, &result, err);
		if (rc < 0) {
			struct error why = *err;
			rc = build_failed(job, err, "%s", why.text);
		}
	}
	if (rc == 0)
		rc = read_reference(job, buf_str(&result.out), out, err);
	confine_result_release(&result);
	return rc;
}
