/* Which images may go: never one that is named, never a young one, never when something was not looked at. */
#include "../cmocka_all.h"

#include "push/image_clean.h"

#define REPOSITORY "r.io/team/shop-web"
#define TAG(c) "c-" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DIGEST(c)                                                                                           \
	"sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c \
		c c c c c c c c c c c c c c c c c c c

static const struct image_there images[] = {
	{ TAG("1"), DIGEST("1"), 1000 }, { TAG("2"), DIGEST("2"), 2000 }, { TAG("3"), DIGEST("3"), 3000 },
	{ TAG("4"), DIGEST("4"), 4000 }, { "latest", DIGEST("5"), 500 },
};

/* Digits of the digests that go, oldest first. */
static const char *decided(struct arena *a, struct image_clean c)
{
	cleanup_buf struct buf out = BUF_INIT;
	size_t *go, n;
	c.repository = REPOSITORY;
	if (!c.images) {
		c.images = images;
		c.n_images = 5;
	}
	n = image_clean_decide(a, &c, &go);
	for (size_t i = 0; i < n; i++)
		buf_addc(&out, c.images[go[i]].digest[7]);
	return arena_strndup(a, out.p ? out.p : "", out.n);
}

#define NOW .complete = true, .now_ms = 10000

static void the_newest_and_the_young_stay(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	assert_string_equal(decided(&a, (struct image_clean){ NOW }), "1234");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .keep = 2 }), "12");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .keep = 9 }), "");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .keep_ms = 7500 }), "12");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .keep = 3, .keep_ms = 7500 }), "1");
	/* A clock that went back makes everything young. */
	assert_string_equal(decided(&a, (struct image_clean){ .complete = true }), "");
}

static void what_is_named_stays(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *by_digest[] = { REPOSITORY "@" DIGEST("1") };
	const char *elsewhere[] = { "mirror.io/other@" DIGEST("2") };
	const char *by_tag[] = { REPOSITORY ":" TAG("3"), "r.io/team/shop-api:" TAG("4") };
	const char *by_name[] = { "nginx", REPOSITORY };
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .named = by_digest, .n_named = 1 }),
			    "234");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .named = elsewhere, .n_named = 1 }),
			    "134");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .named = by_tag, .n_named = 2 }), "124");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .named = by_name, .n_named = 2 }), "");
}

static void in_doubt_nothing_goes(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const struct image_there odd[] = {
		{ TAG("1"), NULL, 1000 },  { TAG("2"), DIGEST("2"), 0 },  { "c-short", DIGEST("3"), 10 },
		{ "v1", DIGEST("4"), 10 }, { TAG("z"), DIGEST("5"), 10 },
	};
	assert_string_equal(decided(&a, (struct image_clean){ .now_ms = 10000 }), "");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .images = odd, .n_images = 5 }), "");
}

static void two_tags_of_one_image_stay_together(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const struct image_there twins[] = {
		{ TAG("1"), DIGEST("7"), 1000 },
		{ TAG("2"), DIGEST("7"), 2000 },
		{ TAG("3"), DIGEST("8"), 900 },
		{ "release", DIGEST("8"), 900 },
	};
	const char *named[] = { REPOSITORY ":" TAG("2") };
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .images = twins, .n_images = 4 }), "77");
	assert_string_equal(decided(&a, (struct image_clean){ NOW, .images = twins, .n_images = 4,
							      .named = named, .n_named = 1 }),
			    "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_and_the_young_stay),
		cmocka_unit_test(what_is_named_stays),
		cmocka_unit_test(in_doubt_nothing_goes),
		cmocka_unit_test(two_tags_of_one_image_stay_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
