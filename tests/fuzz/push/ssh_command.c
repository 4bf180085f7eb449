/* Whatever is asked for: what is taken names one repository by two names that are safe in a path. */
#include <stdlib.h>
#include <string.h>

#include "push/ssh_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ssh_command command;
	struct error err = ERROR_INIT;
	struct str text = { (const char *)data, size };
	if (ssh_command_parse(text, &command, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	struct str name, namespace = str_cut(str_of(command.key), '/', &name);
	if (!hosted_name_ok(namespace) || !hosted_name_ok(name) || strstr(command.key, "..") ||
	    !memmem(text.p, text.n, command.key, strlen(command.key)) ||
	    (command.id[0] && (command.service != SSH_PUSH_STATUS || !journal_id_ok(str_of(command.id)))))
		abort();
	return 0;
}
