/* sshd.c - see sshd.h; sshd_config(5) of OpenSSH 8.5 and later has every word. */
#include "push/sshd.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"
#include "push/home.h"
#include "push/home_record.h"

/* In sshd's configuration and in the options of keys these letters mean themselves. */
static bool is_plain(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-=@,";
	return *text && strspn(text, letters) == strlen(text);
}

static int split(struct arena *a, const char *address, const char **host, const char **port,
		 struct error *err)
{
	const char *colon = strrchr(address, ':');
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return error_set(err, "address \"%s\": it must be host:port, :port or [v6]:port", address);
	*host = arena_strndup(a, address, (size_t)(colon - address));
	*port = colon + 1;
	if (**host && strspn(*host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:[]-") !=
			      strlen(*host))
		return error_set(err, "address \"%s\": \"%s\" is no host", address, *host);
	return 0;
}

/*
 * Of keys there is no list on disk that sshd reads: StrictModes would look at files that are not used.
 * sshd trusts AuthorizedKeysCommand only in directories that root alone may write, which a build directory is
 * not; env is. Guessing keys is hopeless, and what tries is made slow and few: MaxAuthTries, LoginGraceTime,
 * MaxStartups and PerSourceMaxStartups, and from OpenSSH 9.8 on PerSourcePenalties, by default.
 */
static const char config_format[] = "# Written by capstan; changes are lost.\n"
				    "Port %s\n"
				    "%s%s%s"
				    "HostKey %s/ssh/host_ed25519\n"
				    "PidFile none\n"
				    "UsePAM no\n"
				    "UseDNS no\n"
				    "StrictModes no\n"
				    "LogLevel INFO\n"
				    "AllowUsers %s\n"
				    "PermitRootLogin forced-commands-only\n"
				    "AuthenticationMethods publickey\n"
				    "PubkeyAuthentication yes\n"
				    "PasswordAuthentication no\n"
				    "KbdInteractiveAuthentication no\n"
				    "HostbasedAuthentication no\n"
				    "AuthorizedKeysFile none\n"
				    "AuthorizedKeysCommand /usr/bin/env %s push-keys --home %s %%f\n"
				    "AuthorizedKeysCommandUser %s\n"
				    "MaxAuthTries 6\n"
				    "LoginGraceTime 20\n"
				    "MaxStartups 100:30:200\n"
				    "PerSourceMaxStartups 64\n"
				    "MaxSessions 16\n"
				    "DisableForwarding yes\n"
				    "AllowTcpForwarding no\n"
				    "AllowStreamLocalForwarding no\n"
				    "AllowAgentForwarding no\n"
				    "GatewayPorts no\n"
				    "PermitTunnel no\n"
				    "X11Forwarding no\n"
				    "PermitTTY no\n"
				    "PermitUserRC no\n"
				    "PermitUserEnvironment no\n"
				    "PermitOpen none\n"
				    "PermitListen none\n"
				    "AcceptEnv GIT_PROTOCOL\n"
				    "%s"
				    "PrintMotd no\n"
				    "PrintLastLog no\n"
				    "Banner none\n"
				    "TCPKeepAlive yes\n"
				    "ClientAliveInterval 30\n"
				    "ClientAliveCountMax 4\n";

/* A session begins with none of our environment; hooks need what leads to the cluster and to registries. */
static const char *set_env(struct arena *a)
{
	static const char *const passed[] = { "PATH",
					      "TMPDIR",
					      "TZ",
					      "KUBECONFIG",
					      "KUBERNETES_SERVICE_HOST",
					      "KUBERNETES_SERVICE_PORT",
					      "POD_NAMESPACE",
					      "XDG_RUNTIME_DIR",
					      "HTTP_PROXY",
					      "HTTPS_PROXY",
					      "NO_PROXY",
					      "http_proxy",
					      "https_proxy",
					      "no_proxy",
					      "SSL_CERT_FILE",
					      "SSL_CERT_DIR",
					      "ASAN_OPTIONS",
					      "UBSAN_OPTIONS" };
	struct buf line = BUF_INIT;
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++) {
		const char *value = getenv(passed[i]);
		if (value && *value && !strpbrk(value, "\"'\\\n\r"))
			buf_printf(&line, "%s \"%s=%s\"", line.n ? "" : "SetEnv", passed[i], value);
	}
	const char *text = line.n ? arena_printf(a, "%s\n", line.p) : "";
	buf_release(&line);
	return text;
}

int sshd_config(struct arena *a, const struct sshd_options *o, char **out, struct error *err)
{
	const char *host = NULL, *port = NULL;
	if (!is_plain(o->home) || !is_plain(o->program))
		return error_set(err, "%s: sshd needs a path of letters, digits and /._+-=@, alone",
				 is_plain(o->home) ? o->program : o->home);
	if (!is_plain(o->user))
		return error_set(err, "user \"%s\": sshd needs a name of letters and digits", o->user);
	if (split(a, o->address, &host, &port, err) < 0)
		return -1;
	*out = arena_printf(a, config_format, port, *host ? "ListenAddress " : "", host, *host ? "\n" : "",
			    o->home, o->user, o->program, o->home, o->user, set_env(a));
	return 0;
}

static const char *find_sshd(void)
{
	static const char *const places[] = { "/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd",
					      "/sbin/sshd" };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static int make_host_key(struct arena *a, const char *home, struct error *err)
{
	char *path = push_path(a, home, "ssh", "host_ed25519", NULL);
	char *argv[] = { (char *)(uintptr_t) "ssh-keygen",
			 (char *)(uintptr_t) "-q",
			 (char *)(uintptr_t) "-t",
			 (char *)(uintptr_t) "ed25519",
			 (char *)(uintptr_t) "-N",
			 (char *)(uintptr_t) "",
			 (char *)(uintptr_t) "-C",
			 (char *)(uintptr_t) "capstan",
			 (char *)(uintptr_t) "-f",
			 path,
			 NULL };
	if (access(path, F_OK) == 0)
		return 0;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status != 0)
		return error_set(err,
				 "%s: ssh-keygen could not make the host key; is openssh-client installed?",
				 path);
	return 0;
}

const char *sshd_host_key(struct arena *a, const char *home)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(push_path(a, home, "ssh", "host_ed25519.pub", NULL), 4096, &text, NULL) != 0)
		return NULL;
	struct str rest, type = str_cut(str_trim(buf_str(&text)), ' ', &rest);
	struct str key = str_cut(rest, ' ', &rest);
	return arena_printf(a, "%.*s %.*s", STR_ARG(type), STR_ARG(key));
}

int sshd_prepare(struct arena *a, const struct sshd_options *o, const char *const **argv, struct error *err)
{
	const char *sshd = find_sshd();
	char *text = NULL;
	if (!sshd)
		return error_set(err, "--ssh: there is no sshd; install openssh-server, or leave --ssh away");
	if (sshd_config(a, o, &text, err) < 0 ||
	    push_make_dirs(push_path(a, o->home, "ssh", NULL), err) < 0 || make_host_key(a, o->home, err) < 0)
		return error_wrap(err, "--ssh");
	const char *path = push_path(a, o->home, "ssh", "sshd_config", NULL);
	if (push_replace(path, str_of(text), err) < 0)
		return -1;
	/* Of root's sshd; a system that starts it by itself makes it. */
	if (geteuid() == 0)
		mkdir("/run/sshd", 0755);
	const char **out = arena_array(a, const char *, 6);
	out[0] = sshd;
	out[1] = "-D";
	out[2] = "-e";
	out[3] = "-f";
	out[4] = path;
	*argv = out;
	return 0;
}
