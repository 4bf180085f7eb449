/* What git sends is understood, and nothing else is. */
#include "unit/cmocka_all.h"

#include "push/ssh_command.h"

static void what_git_sends(void **state)
{
	static const struct {
		const char *text;
		enum ssh_service service;
		const char *key;
	} cases[] = {
		{ "git-upload-pack 'team/shop.git'", SSH_UPLOAD_PACK, "team/shop" },
		{ "git-receive-pack '/team/shop.git'", SSH_RECEIVE_PACK, "team/shop" },
		{ "git upload-pack 'team/shop'", SSH_UPLOAD_PACK, "team/shop" },
		{ "git receive-pack team/web.shop.git", SSH_RECEIVE_PACK, "team/web.shop" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ssh_command c;
		struct error err = ERROR_INIT;
		assert_int_equal(ssh_command_parse(str_of(cases[i].text), &c, &err), 0);
		assert_int_equal(c.service, cases[i].service);
		assert_string_equal(c.key, cases[i].key);
	}
}

static void what_others_send(void **state)
{
	static const char *const cases[] = {
		"",
		"sh",
		"git",
		"git-upload-pack",
		"git-upload-pack ",
		"git-upload-pack ''",
		"git-upload-pack 'shop.git'",
		"git-upload-pack 'a/b/c.git'",
		"git-upload-pack '../b.git'",
		"git-upload-pack 'a/../b.git'",
		"git-upload-pack '//a/b.git'",
		"git-upload-pack '/etc/passwd/'",
		"git-upload-pack '~/git/a'",
		"git-upload-pack 'a/.git'",
		"git-upload-pack 'a/b.git' 'c/d.git'",
		"git-upload-pack 'a/b.git';sh",
		"git-upload-pack 'a/b.git'\nsh",
		"git-upload-pack a/b.git&&sh",
		"git-upload-pack $(id)/b",
		"git-upload-pack `id`/b",
		"git-upload-pack 'a'\\''/b.git'",
		"git-upload-pack \"a/b.git\"",
		"git-upload-pack --strict 'a/b.git'",
		"git-upload-pack --upload-pack=sh 'a/b.git'",
		"git-upload-pack -a/b",
		"git-upload-pack 'a/b.git",
		"git-upload-pack  'a/b.git'",
		" git-upload-pack 'a/b.git'",
		"git-upload-pack\t'a/b.git'",
		"git-upload-archive 'a/b.git'",
		"git --exec-path=/tmp upload-pack 'a/b.git'",
		"git  upload-pack 'a/b.git'",
		"/usr/bin/git-upload-pack 'a/b.git'",
		"git-shell",
		"scp -t /tmp",
		"git-upload-pack 'A/b.git'",
		"git-upload-pack 'a/b\xc3\xa9.git'",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ssh_command c;
		struct error err = ERROR_INIT;
		if (ssh_command_parse(str_of(cases[i]), &c, &err) != -1)
			fail_msg("taken: %s", cases[i]);
		assert_true(err.text[0]);
	}
}

static void what_became_of_a_push(void **state)
{
	static const char *const bad[] = {
		"push-status",
		"push-status ",
		"push-status shop",
		"push-status team/shop ../x",
		"push-status team/shop --all",
		"push-status --state=/ team/shop",
		"push-status team/shop 20261128-150405123-a1b2c3-4d5e;sh",
		"push-status team/shop 20261128-150405123-a1b2c3-4d5e x",
		"push-statuss team/shop",
	};
	struct ssh_command c;
	struct error err = ERROR_INIT;
	assert_int_equal(ssh_command_parse(STR("push-status team/shop.git"), &c, &err), 0);
	assert_int_equal(c.service, SSH_PUSH_STATUS);
	assert_string_equal(c.key, "team/shop");
	assert_string_equal(c.id, "");
	assert_int_equal(
		ssh_command_parse(STR("push-status team/shop 20261128-150405123-a1b2c3-4d5e"), &c, &err), 0);
	assert_string_equal(c.id, "20261128-150405123-a1b2c3-4d5e");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ssh_command_parse(str_of(bad[i]), &c, &err) != -1)
			fail_msg("taken: %s", bad[i]);
}

static void what_is_too_long_or_no_text(void **state)
{
	struct ssh_command c;
	char text[SSH_COMMAND_MAX + 2] = "git-upload-pack 'a/";
	memset(text + strlen(text), 'b', sizeof(text) - strlen(text) - 1);
	assert_int_equal(ssh_command_parse(str_of(text), &c, NULL), -1);
	assert_int_equal(ssh_command_parse((struct str){ "git-upload-pack 'a/b'\0", 22 }, &c, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_git_sends),
		cmocka_unit_test(what_others_send),
		cmocka_unit_test(what_became_of_a_push),
		cmocka_unit_test(what_is_too_long_or_no_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
