/*
 * box_spaces.c - namespaces and accounts of a box.
 *
 * As root, the box's accounts are BOX_IDS_FIRST and up, which own nothing on the machine. As anybody else
 * they are those that /etc/subuid and /etc/subgid give (newuidmap(1) writes them), with ourselves as the
 * box's root; without such a range the box has one account alone, and files of images that belong to others
 * become its own. Maps can only be written from outside the new namespace: by a child that was born before.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io/file.h"
#include "push/box_parts.h"
#include "push/egress.h"

#define IDS_FILE_MAX (1u << 20)

static int write_text(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);
	return fd >= 0 && write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

static int write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return write_text(path, text);
}

/* Whether our own namespace has the accounts of boxes: in a container it may have fewer. */
static bool has_accounts(void)
{
	cleanup_buf struct buf map = BUF_INIT;
	struct error err = ERROR_INIT;
	unsigned long long inside, outside, n;
	if (file_read("/proc/self/uid_map", IDS_FILE_MAX, &map, &err) != 0 ||
	    sscanf(map.p, "%llu %llu %llu", &inside, &outside, &n) != 3)
		return false;
	return inside == 0 && n >= (unsigned long long)BOX_IDS_FIRST + BOX_IDS;
}

/* The range of a user in /etc/subuid: "NAME:START:COUNT". */
static bool own_range(const char *path, const char *name, uid_t uid, unsigned long *start, unsigned long *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	char number[24];
	snprintf(number, sizeof(number), "%u", uid);
	if (file_read(path, IDS_FILE_MAX, &text, &err) != 0)
		return false;
	for (struct str rest = buf_str(&text); rest.n;) {
		struct str line = str_cut(rest, '\n', &rest), tail;
		struct str who = str_cut(line, ':', &tail);
		if ((!str_is(who, name) && !str_is(who, number)) ||
		    sscanf(tail.p, "%lu:%lu", start, n) != 2 || *n == 0)
			continue;
		*n = *n < BOX_IDS - 1 ? *n : BOX_IDS - 1;
		return true;
	}
	return false;
}

static int run_mapper(const char *program, pid_t pid, unsigned long own, unsigned long start, unsigned long n)
{
	char texts[4][24];
	int status;
	snprintf(texts[0], 24, "%d", (int)pid);
	snprintf(texts[1], 24, "%lu", own);
	snprintf(texts[2], 24, "%lu", start);
	snprintf(texts[3], 24, "%lu", n);
	pid_t child = fork();
	if (child == 0) {
		execlp(program, program, texts[0], "0", texts[1], "1", "1", texts[2], texts[3], (char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

/* The accounts of boxes, and those behind them for nobody: our own are not among them. */
static int map_as_root(pid_t pid)
{
	char map[64];
	if (has_accounts())
		snprintf(map, sizeof(map), "0 %u %u\n", BOX_IDS_FIRST, BOX_IDS);
	else
		snprintf(map, sizeof(map), "0 0 %u\n", BOX_IDS);
	return write_map(pid, "uid_map", map) < 0 || write_map(pid, "gid_map", map) < 0 ? -1 : 0;
}

static int map_alone(pid_t pid)
{
	char uids[64], gids[64];
	snprintf(uids, sizeof(uids), "0 %u 1\n", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1\n", getegid());
	if (write_map(pid, "uid_map", uids) < 0 || write_map(pid, "setgroups", "deny") < 0)
		return -1;
	return write_map(pid, "gid_map", gids);
}

static int map_accounts(pid_t pid)
{
	unsigned long uids, n_uids, gids, n_gids;
	if (geteuid() == 0 && map_as_root(pid) == 0)
		return 0;
	struct passwd *me = getpwuid(geteuid());
	const char *name = me ? me->pw_name : "";
	if (own_range("/etc/subuid", name, geteuid(), &uids, &n_uids) &&
	    own_range("/etc/subgid", name, geteuid(), &gids, &n_gids) &&
	    run_mapper("newuidmap", pid, geteuid(), uids, n_uids) == 0 &&
	    run_mapper("newgidmap", pid, getegid(), gids, n_gids) == 0)
		return 0;
	return map_alone(pid);
}

/* Waits until its parent is in the new namespace, and writes the maps. */
static _Noreturn void map_for(pid_t parent, int ready)
{
	char byte;
	if (read(ready, &byte, 1) != 1)
		_exit(1);
	_exit(map_accounts(parent) < 0 ? 1 : 0);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return;
	request.ifr_flags |= IFF_UP;
	(void)ioctl(fd, SIOCSIFFLAGS, &request);
}

/* A socket belongs to the namespace that it was made in, whoever has it: outside, connections to it are
 * taken. */
static void hand_over_listener(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(EGRESS_PORT) };
	struct box_note note = { .kind = BOX_NOTE_LISTENER };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { 0 };
	struct iovec data = { &note, sizeof(note) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0)
		box_fail("the way to the network");
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(BOX_CONTROL, &message, MSG_NOSIGNAL) != (ssize_t)sizeof(note))
		box_fail("the way to the network");
}

void box_enter_spaces(const struct box *box, int *fds)
{
	int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
	int ready[2], status;
	pid_t self = getpid();
	if (pipe2(ready, O_CLOEXEC) < 0)
		box_fail("a pipe");
	pid_t mapper = fork();
	if (mapper < 0)
		box_fail("a process");
	if (mapper == 0) {
		close(ready[1]);
		map_for(self, ready[0]);
	}
	close(ready[0]);
	if (unshare(flags | (box->network == BOX_MACHINE ? 0 : CLONE_NEWNET)) < 0)
		box_fail(
			"user namespaces (the machine or its container does not allow them, and builds need them)");
	if (write(ready[1], "x", 1) != 1 || waitpid(mapper, &status, 0) != mapper || status != 0)
		box_fail("accounts of a user namespace");
	close(ready[1]);
	box_open_binds(box, fds);
	(void)setgroups(0, NULL); /* where there is one account alone this is denied */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		box_fail("the account of the box");
	/* Changing the account took it away. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		box_fail("the signal of a parent's end");
	if (box->network != BOX_MACHINE)
		raise_loopback();
	if (box->network == BOX_EGRESS)
		hand_over_listener();
	if (sethostname("build", 5) < 0)
		box_fail("a host name of its own");
}
