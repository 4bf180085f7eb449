/* letters.c - see letters.h. */
#include "render/letters.h"

uint32_t letters_read(struct str text, size_t *length)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = letters_length(text.p[0]);
	if (n > text.n)
		n = text.n;
	uint32_t c = (unsigned char)text.p[0] & first[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)text.p[i] & 0x3f);
	*length = n;
	return c;
}

static uint32_t other_case(uint32_t c, bool upper)
{
	if (c < 0x80) {
		bool is_other = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
		return is_other ? c ^ 0x20 : c;
	}
	const struct letter_range *ranges = upper ? letters_upper : letters_lower;
	size_t low = 0, high = upper ? letters_upper_n : letters_lower_n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct letter_range *r = &ranges[middle];
		if (c < r->first)
			high = middle;
		else if (c > r->last)
			low = middle + 1;
		else
			return (c - r->first) % r->step ? c : c + (uint32_t)r->distance;
	}
	return c;
}

static void add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char marks[] = { 0, 0xc0, 0xe0, 0xf0 };
	buf_addc(out, (char)(marks[more] | c >> (6 * more)));
	while (more--)
		buf_addc(out, (char)(0x80 | ((c >> (6 * more)) & 0x3f)));
}

size_t letters_change(struct str text, bool upper, struct buf *out)
{
	size_t length;
	add(out, other_case(letters_read(text, &length), upper));
	return length;
}
