/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

void clock_format(int64_t wall_ms, bool micro, char out[CLOCK_RFC3339_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (micro)
		snprintf(out + n, CLOCK_RFC3339_MAX - n, ".%03d000Z", (int)(wall_ms % 1000));
	else
		snprintf(out + n, CLOCK_RFC3339_MAX - n, "Z");
}

bool clock_parse(struct str text, int64_t *wall_ms)
{
	char z[CLOCK_RFC3339_MAX + 8];
	if (text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	struct tm tm = { 0 };
	const char *rest = strptime(z, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return false;
	int64_t fraction = 0;
	if (*rest == '.') {
		int64_t scale = 100;
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			fraction += (*rest - '0') * scale;
	}
	if (strcmp(rest, "Z") != 0)
		return false;
	*wall_ms = (int64_t)timegm(&tm) * 1000 + fraction;
	return true;
}

/* The length of the unit at s in *n, its size in microseconds; 0 when there is none. */
static double unit_us(struct str s, size_t *n)
{
	static const struct {
		const char *name;
		double us;
	} units[] = {
		{ "ns", 1e-3 }, { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "m", 6e7 }, { "h", 3.6e9 }
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_starts(s, str_of(units[i].name))) {
			*n = strlen(units[i].name);
			return units[i].us;
		}
	}
	return 0;
}

bool clock_parse_duration(struct str text, int64_t *ms)
{
	double total = 0;
	if (str_is(text, "0")) {
		*ms = 0;
		return true;
	}
	if (text.n == 0 || text.n > 64)
		return false;
	while (text.n) {
		double value = 0, scale = 0;
		size_t digits = 0;
		for (; text.n && ((text.p[0] >= '0' && text.p[0] <= '9') || (text.p[0] == '.' && scale == 0));
		     text = str_from(text, 1)) {
			if (text.p[0] == '.') {
				scale = 1;
				continue;
			}
			digits++;
			if (scale == 0)
				value = value * 10 + (text.p[0] - '0');
			else
				value += (text.p[0] - '0') * (scale /= 10);
		}
		size_t unit_n = 0;
		double unit = unit_us(text, &unit_n);
		if (!digits || unit == 0)
			return false;
		total += value * unit;
		text = str_from(text, unit_n);
	}
	/* A hundred years: anything longer is a mistake and must not overflow a deadline. */
	if (total > 3.2e15)
		return false;
	*ms = (int64_t)(total / 1000);
	return true;
}
