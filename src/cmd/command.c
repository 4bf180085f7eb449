/*
 * command.c - from argv to a run: find the command, parse with its options, check its operands, run it.
 *
 * Common options may stand before the command's name, as kubectl allows: the name is the first word that is
 * neither an option nor the value of one. It is taken out, and the rest is parsed as one list.
 */
#include "cmd/command.h"

#include <ctype.h>
#include <limits.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/help.h"

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int command_fail(const struct cli *cli, const struct error *err)
{
	fprintf(cli->err, "%s: %s\n", cli->program, err->text);
	return EXIT_TROUBLE;
}

/* kubectl runs plugins as kubectl-NAME; people then read `kubectl NAME` in usage lines. */
static const char *program_name(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *base = slash ? slash + 1 : argv0 ? argv0 : "";
	return strncmp(base, "kubectl-capstan", 15) == 0 ? "kubectl capstan" : "capstan";
}

static int unknown_command(const struct cli *cli, const char *name)
{
	const char *names[64];
	size_t n = 0;
	for (size_t i = 0; commands[i] && n < 64; i++)
		if (!commands[i]->hidden)
			names[n++] = commands[i]->name;
	names[n < 64 ? n++ : 63] = "help";
	const char *nearest = option_nearest(name, names, n);
	fprintf(cli->err, "%s: unknown command \"%s\"", cli->program, name);
	if (nearest)
		fprintf(cli->err, "; did you mean \"%s\"?", nearest);
	fprintf(cli->err, "\nSee `%s help`.\n", cli->program);
	return EXIT_TROUBLE;
}

static int usage_error(const struct cli *cli, const struct error *err)
{
	fprintf(cli->err, "%s %s: %s\n", cli->program, cli->command->name, err->text);
	fprintf(cli->err, "See `%s %s --help`.\n", cli->program, cli->command->name);
	return EXIT_TROUBLE;
}

static int check_operands(const struct cli *cli, struct error *err)
{
	const struct command *c = cli->command;
	if (cli->n_operands < c->operands_min)
		return error_set(err, "%s is missing", c->operands);
	if (cli->n_operands <= c->operands_max)
		return 0;
	const char *extra = cli->operands[c->operands_max];
	if (c->operands_max == 0)
		return error_set(err, "takes no operands, but got \"%s\"", extra);
	return error_set(err, "one operand too many: \"%s\"", extra);
}

static void set_up_log(const struct common *common)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	enum log_level level = LOG_INFO;
	for (size_t i = 0; common->log_level && i < 4; i++)
		if (strcmp(common->log_level, names[i]) == 0)
			level = (enum log_level)i;
	bool json = common->log_format && strcmp(common->log_format, "json") == 0;
	if (common->log_level || common->log_format)
		log_setup(level, json ? LOG_JSON : LOG_LOGFMT);
}

static int run_command(struct cli *cli, int argc, const char *const *argv)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(cli->command, defs);
	cleanup_free void *own = mem_alloc(cli->command->options_size + 1);
	cleanup_free const char **words = mem_alloc(sizeof(*words) * ((size_t)argc + 1));
	struct operands operands = { .at = words };
	struct option_target target = { .own = own, .common = &cli->common };
	struct error err = ERROR_INIT;
	if (option_parse(defs, n, argc, argv, &target, &operands, &err) != 0)
		return usage_error(cli, &err);
	cli->own = own;
	cli->operands = operands.at;
	cli->n_operands = operands.n;
	if (cli->common.help) {
		help_command(cli, cli->command);
		return EXIT_OK;
	}
	if (check_operands(cli, &err) != 0)
		return usage_error(cli, &err);
	set_up_log(&cli->common);
	return cli->command->run(cli);
}

/* The position of the command's name, or argc when there is none. */
static int find_name(int argc, const char *const *argv)
{
	int i = 1;
	while (i < argc) {
		int span = option_span(common_options, common_options_count(), argc - i, argv + i);
		if (span == 0)
			break;
		i += span;
	}
	return i;
}

static bool has_word(int argc, const char *const *argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

static int without_command(const struct cli *cli, int argc, const char *const *argv)
{
	if (has_word(argc, argv, "-h") || has_word(argc, argv, "--help")) {
		help_program(cli, cli->out);
		return EXIT_OK;
	}
	help_program(cli, cli->err);
	return EXIT_TROUBLE;
}

static int help_about(const struct cli *cli, int argc, const char *const *argv)
{
	if (argc == 0 || argv[0][0] == '-') {
		help_program(cli, cli->out);
		return EXIT_OK;
	}
	const struct command *c = command_find(argv[0]);
	if (!c)
		return unknown_command(cli, argv[0]);
	help_command(cli, c);
	return EXIT_OK;
}

int command_main(int argc, const char *const *argv, FILE *out, FILE *err)
{
	struct cli cli = { .program = program_name(argc ? argv[0] : NULL), .out = out, .err = err };
	int at = find_name(argc, argv);
	if (at >= argc)
		return without_command(&cli, argc, argv);
	const char *name = argv[at];
	if (strcmp(name, "help") == 0)
		return help_about(&cli, argc - at - 1, argv + at + 1);
	cli.command = command_find(strcmp(name, "--version") == 0 ? "version" : name);
	if (!cli.command && name[0] == '-') {
		fprintf(err, "%s: unknown option %s\nSee `%s help`.\n", cli.program, name, cli.program);
		return EXIT_TROUBLE;
	}
	if (!cli.command)
		return unknown_command(&cli, name);
	cleanup_free const char **rest = mem_alloc(sizeof(*rest) * (size_t)argc);
	int n = 0;
	for (int i = 1; i < argc; i++)
		if (i != at)
			rest[n++] = argv[i];
	int status = run_command(&cli, n, rest);
	if (fflush(out) != 0 && status == EXIT_OK) {
		fprintf(err, "%s: the output cannot be written\n", cli.program);
		status = EXIT_TROUBLE;
	}
	return status;
}

void command_app_name(const char *dir, char out[COMMAND_APP_NAME_MAX])
{
	size_t end = strlen(dir);
	while (end > 0 && dir[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && dir[start - 1] != '/')
		start--;
	size_t n = 0;
	for (size_t i = start; i < end && n < COMMAND_APP_NAME_MAX - 1; i++) {
		unsigned char c = (unsigned char)tolower((unsigned char)dir[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain)
			out[n++] = (char)c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		memcpy(out, "app", 4);
}
