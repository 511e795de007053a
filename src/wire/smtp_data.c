/* smtp_data.c: DATA's dot-stuffing, one state an octet, in runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_data.h"

/*   LINE --CR--> CR --LF--> START --'.'--> DOT --CR--> DOT_CR --LF--> end
 * The body begins at START. A line's CR LF is given out at once when LF comes, since the final CR LF belongs to the
 * message; a dot at START is held back until the next octet tells stuffing from the end. */
enum { START, LINE, CR, DOT, DOT_CR };

enum { LOOK = 1024 };

/* Octets of whole lines at the head that end in CR LF, have neither CR nor LF within, and are followed by an octet that
 * is no dot: given out as they stand. No search looks further than LOOK, so that hostile bodies cost no more. */
static size_t plain_lines(struct slice in)
{
	size_t n = 0;
	while (true) {
		struct slice look = slice_head(slice_tail(in, n), LOOK);
		size_t lf = slice_find(look, '\n');
		if (lf == 0 || lf + 1 >= look.len || look.at[lf + 1] == '.' ||
			slice_find(look, '\r') != lf - 1)
			return n;
		n += lf + 1;
	}
}

/* A run that needs no look: whole lines, and up to the next CR or LF. */
static enum rc in_line(struct smtp_data *d, struct slice *in, struct slice *piece)
{
	size_t whole = plain_lines(*in);
	struct slice rest = slice_head(slice_tail(*in, whole), LOOK);
	size_t n = whole + slice_find(slice_head(rest, slice_find(rest, '\r')), '\n');
	*piece = slice_head(*in, n);
	if (n == whole + rest.len) {
		*in = slice_tail(*in, n);
		d->state = LINE;
		return RC_MORE;
	}
	if (in->at[n] == '\n') {
		d->bare = true;
		*piece = slice_head(*in, n + 1);
		d->state = LINE;
	} else {
		d->state = CR;
	}
	*in = slice_tail(*in, n + 1);
	return RC_MORE;
}

static enum rc after_cr(struct smtp_data *d, struct slice *in, struct slice *piece)
{
	if (in->at[0] == '\n') {
		*in = slice_tail(*in, 1);
		*piece = S("\r\n");
		d->state = START;
		return RC_MORE;
	}
	d->bare = true;
	*piece = S("\r");
	d->state = LINE;
	return RC_MORE;
}

enum rc smtp_data_take(struct smtp_data *d, struct slice *in, struct slice *piece)
{
	*piece = S("");
	if (in->len == 0)
		return RC_MORE;
	switch (d->state) {
	case CR:
		return after_cr(d, in, piece);
	case DOT:
		if (in->at[0] == '\r') {
			*in = slice_tail(*in, 1);
			d->state = DOT_CR;
			return RC_MORE;
		}
		return in_line(d, in, piece); /* the dot was stuffing */
	case DOT_CR:
		if (in->at[0] == '\n') {
			*in = slice_tail(*in, 1);
			d->state = START;
			return RC_OK;
		}
		d->bare = true;
		*piece = S("\r");
		d->state = LINE;
		return RC_MORE;
	case START:
		if (in->at[0] == '.') {
			*in = slice_tail(*in, 1);
			d->state = DOT;
			return RC_MORE;
		}
		return in_line(d, in, piece);
	default:
		return in_line(d, in, piece);
	}
}
