/* ssh_command.c - see ssh_command.h. */
#include "push/ssh_command.h"

#include <stdio.h>

static bool is_service(struct str program, enum ssh_service *out)
{
	if (str_is(program, "git-upload-pack") || str_is(program, "git upload-pack"))
		*out = SSH_UPLOAD_PACK;
	else if (str_is(program, "git-receive-pack") || str_is(program, "git receive-pack"))
		*out = SSH_RECEIVE_PACK;
	else
		return false;
	return true;
}

/* The one argument: between single quotes, or bare. No name that can be hosted needs an escape (git writes
 * '\'' for a quote and '\!' for an exclamation mark), so what has one names nothing here. */
static bool unquote(struct str text, struct str *out)
{
	if (text.n >= 2 && text.p[0] == '\'' && text.p[text.n - 1] == '\'')
		text = (struct str){ text.p + 1, text.n - 2 };
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("'\"\\`$&;|<>(){}[]*?!#", text.p[i]))
			return false;
	*out = text;
	return text.n > 0;
}

bool ssh_path_key(struct str path, char key[2 * HOSTED_NAME_MAX + 2])
{
	struct str name, namespace;
	if (path.n && path.p[0] == '/')
		path = str_from(path, 1);
	if (str_ends(path, STR(".git")))
		path.n -= 4;
	namespace = str_cut(path, '/', &name);
	if (!hosted_name_ok(namespace) || !hosted_name_ok(name))
		return false;
	snprintf(key, 2 * HOSTED_NAME_MAX + 2, "%.*s/%.*s", STR_ARG(namespace), STR_ARG(name));
	return true;
}

/* "NS/NAME", "NS/NAME ID" */
static int parse_status(struct str text, struct ssh_command *out, struct error *err)
{
	struct str path, id, word = str_cut(text, ' ', &id);
	out->service = SSH_PUSH_STATUS;
	if (!unquote(word, &path) || !ssh_path_key(path, out->key))
		return error_set(err,
				 "push-status takes NAMESPACE/NAME, and the id of a push if one is meant");
	if (id.n && !journal_id_ok(id))
		return error_set(
			err, "push-status: that is no id of a push; it is in the first line of its answer");
	snprintf(out->id, sizeof(out->id), "%.*s", STR_ARG(id));
	return 0;
}

int ssh_command_parse(struct str text, struct ssh_command *out, struct error *err)
{
	struct str path;
	out->id[0] = '\0';
	if (text.n == 0)
		return error_set(err, "there is no shell here: use git clone, fetch and push");
	if (text.n > SSH_COMMAND_MAX || memchr(text.p, '\0', text.n))
		return error_set(err, "the command is refused: it is too long, or no text");
	size_t space = str_find(text, ' ', str_starts(text, STR("git ")) ? 4 : 0);
	struct str program = { text.p, space == SIZE_MAX ? text.n : space };
	if (str_is(program, "push-status"))
		return parse_status(space == SIZE_MAX ? STR("") : str_from(text, space + 1), out, err);
	if (str_is(program, "git-upload-archive") || str_is(program, "git upload-archive"))
		return error_set(err, "git archive is not served: clone, and make the archive from that");
	if (!is_service(program, &out->service))
		return error_set(
			err,
			"only git clone, fetch and push are served here, and push-status NAMESPACE/NAME [ID]");
	if (space == SIZE_MAX || !unquote(str_from(text, space + 1), &path) || !ssh_path_key(path, out->key))
		return error_set(err, "the path must be NAMESPACE/NAME.git, as `capstan repo show` tells it");
	return 0;
}
