/*
 * progress.c - live lines at the bottom of a terminal, or plain lines.
 *
 * On a terminal each draw takes away the lines it drew last (cursor up, clear), lets finished objects scroll
 * by once, and draws at most height - 1 lines again, each cut to the width, so that it always knows how many
 * lines to take away.
 */
#include "cmd/progress.h"

#include "base/map.h"
#include "base/vec.h"

struct object {
	char *name, *place, *message;
	enum progress_state state;
	bool dirty; /* not printed since its state changed */
};

struct progress {
	FILE *out;
	struct style style;
	VEC(struct object *) objects; /* in the order they came */
	struct map by_name;
	size_t counts[PROGRESS_FAILED + 1];
	size_t drawn; /* live lines on the screen */
	int64_t begun_ms;
	unsigned turn; /* of the spinner */
	bool begun, dirty;
};

static const char *const words[] = {
	[PROGRESS_PENDING] = "pending", [PROGRESS_APPLYING] = "applying", [PROGRESS_WAITING] = "waiting",
	[PROGRESS_CREATED] = "created", [PROGRESS_UPDATED] = "updated",	  [PROGRESS_UNCHANGED] = "unchanged",
	[PROGRESS_PRUNED] = "pruned",	[PROGRESS_FAILED] = "failed",
};

static const enum tint tints[] = {
	[PROGRESS_PENDING] = TINT_DIM,	 [PROGRESS_APPLYING] = TINT_CYAN, [PROGRESS_WAITING] = TINT_CYAN,
	[PROGRESS_CREATED] = TINT_GREEN, [PROGRESS_UPDATED] = TINT_GREEN, [PROGRESS_UNCHANGED] = TINT_DIM,
	[PROGRESS_PRUNED] = TINT_YELLOW, [PROGRESS_FAILED] = TINT_RED,
};

struct progress *progress_new(FILE *out, const struct style *style)
{
	struct progress *p = mem_alloc(sizeof(*p));
	p->out = out;
	p->style = *style;
	return p;
}

/* Takes the live lines away; the cursor is then where they began. */
static void add_erase(struct progress *p, struct buf *to)
{
	if (p->drawn > 0)
		buf_printf(to, "\033[%zuA\r\033[J", p->drawn);
	p->drawn = 0;
}

static void put(struct progress *p, const struct buf *text)
{
	if (text->n == 0)
		return;
	fwrite(text->p, 1, text->n, p->out);
	fflush(p->out);
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	cleanup_buf struct buf text = BUF_INIT;
	add_erase(p, &text);
	put(p, &text);
	for (size_t i = 0; i < p->objects.n; i++) {
		struct object *o = p->objects.at[i];
		free(o->name);
		free(o->place);
		free(o->message);
		free(o);
	}
	vec_release(&p->objects);
	map_release(&p->by_name);
	free(p);
}

static struct object *object_of(struct progress *p, const char *name)
{
	struct object *o = map_get(&p->by_name, str_of(name));
	if (o)
		return o;
	o = mem_alloc(sizeof(*o));
	o->name = mem_strdup(name);
	o->place = mem_strdup("");
	o->message = mem_strdup("");
	o->state = PROGRESS_PENDING;
	p->counts[PROGRESS_PENDING]++;
	map_put(&p->by_name, str_of(name), o);
	vec_push(&p->objects, o);
	return o;
}

static bool done(const struct object *o)
{
	return o->state >= PROGRESS_CREATED;
}

/* "  waiting    Deployment web/api: 2 of 3 replicas available"; a failure has its place, too. */
static void add_line(const struct progress *p, const struct object *o, struct buf *to, size_t columns)
{
	cleanup_buf struct buf text = BUF_INIT;
	style_safe(&text, str_of(o->name), false);
	if (o->place[0] && o->state == PROGRESS_FAILED) {
		buf_adds(&text, " (");
		style_safe(&text, str_of(o->place), false);
		buf_adds(&text, ")");
	}
	if (o->message[0]) {
		buf_adds(&text, ": ");
		style_safe(&text, str_of(o->message), false);
	}
	enum { WORD = 11 };
	struct str shown = buf_str(&text);
	if (columns > 0)
		shown = style_cut(shown, columns > WORD + 1 ? columns - WORD - 1 : 1);
	buf_printf(to, "%s%-*s%s%.*s\n", style_on(&p->style, tints[o->state]), WORD, words[o->state],
		   style_off(&p->style), STR_ARG(shown));
}

static void print_plain(struct progress *p, struct object *o)
{
	cleanup_buf struct buf text = BUF_INIT;
	add_line(p, o, &text, 0);
	o->dirty = false;
	put(p, &text);
}

void progress_object(struct progress *p, const char *name, const char *place, enum progress_state state,
		     const char *message)
{
	bool known = map_get(&p->by_name, str_of(name)) != NULL;
	struct object *o = object_of(p, name);
	if (known && o->state == state && strcmp(o->message, message) == 0)
		return;
	p->counts[o->state]--;
	p->counts[state]++;
	free(o->place);
	free(o->message);
	o->place = mem_strdup(place);
	o->message = mem_strdup(message);
	o->state = state;
	o->dirty = p->dirty = true;
	/* Plain output: what is only about to happen is not worth a line. */
	if (!p->style.terminal && state != PROGRESS_PENDING && state != PROGRESS_APPLYING)
		print_plain(p, o);
}

void progress_note(struct progress *p, const char *note)
{
	cleanup_buf struct buf text = BUF_INIT;
	add_erase(p, &text);
	style_safe(&text, str_of(note), true);
	buf_addc(&text, '\n');
	p->dirty = true;
	put(p, &text);
}

static size_t count_done(const struct progress *p)
{
	size_t n = 0;
	for (int state = PROGRESS_CREATED; state <= PROGRESS_FAILED; state++)
		n += p->counts[state];
	return n;
}

static void add_counts(struct progress *p, struct buf *to, int64_t now_ms)
{
	static const char spinner[] = "|/-\\";
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%c %zu of %zu done", spinner[p->turn++ % 4], count_done(p), p->objects.n);
	if (p->counts[PROGRESS_WAITING])
		buf_printf(&text, ", %zu waiting", p->counts[PROGRESS_WAITING]);
	if (p->counts[PROGRESS_FAILED])
		buf_printf(&text, ", %zu failed", p->counts[PROGRESS_FAILED]);
	buf_printf(&text, "  %llds", (long long)((now_ms - p->begun_ms) / 1000));
	struct str shown = style_cut(buf_str(&text), p->style.width > 1 ? p->style.width - 1 : 1);
	buf_printf(to, "%s%.*s%s\n", style_on(&p->style, TINT_BOLD), STR_ARG(shown), style_off(&p->style));
	p->drawn++;
}

/* What is done scrolls by once; unchanged objects are only counted. */
static void add_finished(struct progress *p, struct buf *to)
{
	for (size_t i = 0; i < p->objects.n; i++) {
		struct object *o = p->objects.at[i];
		if (!o->dirty || !done(o))
			continue;
		o->dirty = false;
		if (o->state != PROGRESS_UNCHANGED)
			add_line(p, o, to, 0);
	}
}

/* At most `room` objects that are under way: those that wait first, then those being applied. */
static void add_live(struct progress *p, struct buf *to, size_t room)
{
	static const enum progress_state order[] = { PROGRESS_APPLYING, PROGRESS_WAITING };
	size_t total = p->counts[PROGRESS_APPLYING] + p->counts[PROGRESS_WAITING];
	size_t shown = 0, limit = total > room && room > 0 ? room - 1 : room;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < p->objects.n && shown < limit; i++) {
			if (p->objects.at[i]->state != order[k])
				continue;
			add_line(p, p->objects.at[i], to, p->style.width);
			shown++;
		}
	if (total > shown && room > 0) {
		buf_printf(to, "%s... and %zu more%s\n", style_on(&p->style, TINT_DIM), total - shown,
			   style_off(&p->style));
		shown++;
	}
	p->drawn += shown;
}

static void begin(struct progress *p, int64_t now_ms)
{
	if (!p->begun)
		p->begun_ms = now_ms;
	p->begun = true;
}

void progress_draw(struct progress *p, int64_t now_ms)
{
	begin(p, now_ms);
	if (!p->style.terminal)
		return;
	cleanup_buf struct buf text = BUF_INIT;
	add_erase(p, &text);
	add_finished(p, &text);
	size_t room = p->style.height > 2 ? p->style.height - 2 : 0;
	add_live(p, &text, room);
	add_counts(p, &text, now_ms);
	p->dirty = false;
	put(p, &text);
}

size_t progress_finish(struct progress *p, int64_t now_ms)
{
	begin(p, now_ms);
	cleanup_buf struct buf text = BUF_INIT;
	add_erase(p, &text);
	if (p->style.terminal)
		add_finished(p, &text);
	size_t waiting = p->objects.n - count_done(p);
	buf_printf(&text, "%zu objects:", p->objects.n);
	const char *comma = "";
	for (int state = PROGRESS_CREATED; state <= PROGRESS_FAILED; state++) {
		if (p->counts[state])
			buf_printf(&text, "%s %zu %s", comma, p->counts[state], words[state]);
		comma = p->counts[state] ? "," : comma;
	}
	if (waiting)
		buf_printf(&text, "%s %zu not done", comma, waiting);
	int64_t ms = now_ms - p->begun_ms;
	buf_printf(&text, " (%lld.%llds)\n", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	put(p, &text);
	return p->counts[PROGRESS_FAILED];
}
