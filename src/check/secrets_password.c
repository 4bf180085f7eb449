/*
 * secrets_password.c - what sounds like the name of a password, and what looks like one; see secrets.h.
 *
 * Passwords are known by their names alone, so more is asked of their values than of tokens: 40 bits, letters
 * and digits, in no form that names of objects have.
 */
#include "check/secrets_parts.h"

#define PASSWORD_BITS_MIN 40.0
#define PASSWORD_LENGTH_MIN 8u

/* --- letters and words --- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_upper(c) || is_lower(c) || is_digit(c);
}

bool is_of(enum letters letters, char c)
{
	switch (letters) {
	case ALNUM:
		return is_alnum(c);
	case UPPER:
		return is_upper(c) || is_digit(c);
	case HEX:
		return is_digit(c) || (c >= 'a' && c <= 'f');
	case WORD:
		return is_alnum(c) || c == '_' || c == '-';
	case DOTTED:
		return is_alnum(c) || c == '_' || c == '-' || c == '.';
	case BASE64:
		return is_alnum(c) || c == '+' || c == '/' || c == '=';
	}
	return false;
}

/* log2 of a fraction n / m as a table-free sum of bits: good to a hundredth, and no libm. */
static double log2_of(double x)
{
	double whole = 0, part = 0.5, sum = 0;
	while (x >= 2) {
		x /= 2;
		whole++;
	}
	for (int i = 0; i < 12; i++, part /= 2) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			sum += part;
		}
	}
	return whole + sum;
}

/* Shannon's: bits a letter. */
double entropy(struct str text)
{
	unsigned counts[256] = { 0 };
	double bits = 0;
	for (size_t i = 0; i < text.n; i++)
		counts[(unsigned char)text.p[i]]++;
	for (size_t i = 0; i < 256; i++)
		if (counts[i])
			bits += counts[i] * log2_of((double)text.n / counts[i]);
	return text.n ? bits / (double)text.n : 0;
}

static char lower(char c)
{
	return is_upper(c) ? (char)(c + 32) : c;
}

bool has_word(struct str text, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= text.n; i++) {
		size_t k = 0;
		while (k < n && lower(text.p[i + k]) == word[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

bool is_placeholder(struct str text)
{
	static const char *const words[] = { "example", "changeme", "change-me", "change_me", "placeholder",
					     "your",	"xxxx",	    "****",	 "....",      "dummy",
					     "replace", "redacted", "sample",	 "enc[",      "${",
					     "$(",	"{{",	    "todo",	 "fake",      "test",
					     "1234567", "abcdef" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has_word(text, words[i]))
			return true;
	return false;
}

/* --- names and values --- */

/* The words of a name, by separators and capitals: the last one, and the one before. */
static void last_words(struct str name, struct str *last, struct str *before)
{
	*last = *before = (struct str){ "", 0 };
	size_t start = 0;
	for (size_t i = 0; i <= name.n; i++) {
		bool end = i == name.n || !is_alnum(name.p[i]);
		bool capital = !end && i > start && is_upper(name.p[i]) && !is_upper(name.p[i - 1]);
		if (!end && !capital)
			continue;
		if (i > start) {
			*before = *last;
			*last = (struct str){ name.p + start, i - start };
		}
		start = capital ? i : i + 1;
	}
}

bool is_word(struct str text, const char *const *words)
{
	for (; *words; words++)
		if (text.n == strlen(*words) && has_word(text, *words))
			return true;
	return false;
}

bool secret_is_named(struct str name)
{
	static const char *const names[] = { "password",  "passwd",	"pwd",	       "passphrase",
					     "pass",	  "secret",	"token",       "apikey",
					     "apitoken",  "credential", "credentials", "secretkey",
					     "accesskey", NULL };
	static const char *const keys[] = { "api",	  "access",  "private", "secret", "auth",
					    "encryption", "signing", "account", "master", NULL };
	static const char *const last_key[] = { "key", NULL };
	static const char *const harmless[] = {
		"checksum", "hash", "digest", "public", "sha256", "csrf", NULL
	};
	struct str last, before;
	last_words(name, &last, &before);
	for (size_t i = 0; harmless[i]; i++)
		if (has_word(name, harmless[i]))
			return false;
	return is_word(last, names) || (is_word(last, last_key) && is_word(before, keys));
}

/* As names of objects and versions are: words and numbers with dashes, dots or slashes between. */
static bool is_name(struct str text)
{
	size_t letters = 0, digits = 0;
	for (size_t i = 0; i <= text.n; i++) {
		char c = i < text.n ? text.p[i] : '-';
		if (is_upper(c) || is_lower(c)) {
			/* Letters behind digits are no word, but for one in front: v2. */
			if (digits)
				return false;
			letters++;
		} else if (is_digit(c)) {
			if (letters > 1 && digits > 3)
				return false;
			digits++;
		} else if (c == '-' || c == '.' || c == '_' || c == '/' || c == ':') {
			letters = digits = 0;
		} else {
			return false;
		}
	}
	return true;
}

bool secret_is_password(struct str value)
{
	bool letter = false, digit = false;
	if (value.n < PASSWORD_LENGTH_MIN || value.n > PASSWORD_LENGTH_MAX || is_placeholder(value))
		return false;
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		letter = letter || is_upper((char)c) || is_lower((char)c);
		digit = digit || is_digit((char)c);
		if (c <= ' ' || c == '<' || c == '>' || c == '{' || c == '(' || c == '[' || c >= 0x7f)
			return false;
	}
	if (!letter || !digit || value.p[0] == '$' || value.p[0] == '/' || value.p[0] == '%' ||
	    is_name(value) || has_word(value, "://"))
		return false;
	return entropy(value) * (double)value.n >= PASSWORD_BITS_MIN;
}

/* Two digits at most: a password has more. */
bool is_identifier(struct str text)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		digits += is_digit(c);
		if ((!is_alnum(c) && c != '_' && c != '.') || (i == 0 && is_digit(c)))
			return false;
	}
	return digits <= 2;
}
