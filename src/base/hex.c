/* hex.c - see hex.h. */
#include "base/hex.h"

int hex_lower(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int hex_value(char digit)
{
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : hex_lower(digit);
}

bool hex_is(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (hex_lower(text.p[i]) < 0)
			return false;
	return true;
}

void hex_write(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[from[i] >> 4];
		out[2 * i + 1] = digits[from[i] & 15];
	}
	out[2 * n] = '\0';
}
