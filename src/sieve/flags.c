/* flags.c: setflag, addflag, removeflag, hasflag (RFC 5232). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum { FLAGS_MAX = 128, FLAG_MAX = 200 };

struct flags {
	struct slice at[FLAGS_MAX];
	size_t n;
};

/* RFC 9051 9, flag-keyword, or \ and an atom. */
static bool is_flag(struct slice s)
{
	static const char *const system[] = { "\\Seen", "\\Answered", "\\Flagged", "\\Deleted",
		"\\Draft" };
	bool is_system = s.len && s.at[0] == '\\';
	for (size_t i = 0; is_system && i < sizeof(system) / sizeof(system[0]); i++) {
		if (slice_eq_nocase(s, slice_str(system[i])))
			return true;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || strchr("(){%*\"\\]", s.at[i]))
			return false;
	}
	return !is_system && s.len > 0 && s.len <= FLAG_MAX;
}

static size_t find(const struct flags *f, struct slice flag)
{
	size_t i = 0;
	while (i < f->n && !slice_eq_nocase(f->at[i], flag))
		i++;
	return i;
}

/* What stands between blanks is put to, or taken from the flags; what is no flag is passed over, RFC 5232 2. */
static void change(struct flags *f, struct slice text, bool remove)
{
	while (text.len) {
		struct slice flag = slice_split(&text, ' ');
		size_t at = find(f, flag);
		if (remove && at < f->n) {
			f->n--;
			memmove(&f->at[at], &f->at[at + 1], (f->n - at) * sizeof(f->at[0]));
		} else if (!remove && at == f->n && f->n < FLAGS_MAX && is_flag(flag)) {
			f->at[f->n++] = flag;
		}
	}
}

static enum rc change_all(
	struct sieve_run *r, struct flags *f, const struct sieve_value *v, bool remove)
{
	struct slice *texts;
	TRY(sieve_expand_all(r, v, &texts));
	for (size_t i = 0; i < v->n; i++)
		change(f, texts[i], remove);
	return RC_OK;
}

/* In the run's arena. */
static enum rc keep(struct sieve_run *r, const struct flags *f, struct slice **out)
{
	*out = arena_try_array(r->arena, f->n ? f->n : 1, sizeof(**out));
	if (!*out)
		return RC_LIMIT;
	for (size_t i = 0; i < f->n; i++)
		TRY(sieve_save(r, f->at[i], &(*out)[i]));
	return RC_OK;
}

enum rc sieve_flags_list(
	struct sieve_run *r, const struct sieve_value *v, const struct slice **out, size_t *n)
{
	struct flags f = { .n = 0 };
	struct slice *at;
	TRY(change_all(r, &f, v, false));
	TRY(keep(r, &f, &at));
	*out = at;
	*n = f.n;
	return RC_OK;
}

void sieve_flags_now(const struct sieve_run *r, struct sieve_action *a)
{
	a->has_flags = r->flags_set;
	a->flags = r->flags;
	a->flags_n = r->flags_n;
}

/* The flags of the named variable, or of the internal one. */
static void load(const struct sieve_run *r, const struct sieve_op *op, struct flags *f)
{
	const struct sieve_value *name = &op->positions[0];
	f->n = 0;
	if (name->n) {
		change(f, sieve_variable_get(r, name->texts[0].text), false);
		return;
	}
	f->n = r->flags_n;
	if (f->n)
		memcpy(f->at, r->flags, f->n * sizeof(f->at[0]));
}

static enum rc store(struct sieve_run *r, const struct sieve_op *op, const struct flags *f)
{
	struct buf b;
	const struct sieve_value *name = &op->positions[0];
	if (!name->n) {
		TRY(keep(r, f, &r->flags));
		r->flags_n = f->n;
		r->flags_set = true;
		return RC_OK;
	}
	if (!(r->top->program->exts >> EXT_VARIABLES & 1))
		return sieve_err(r, op, "a variable of flags wants require \"variables\"");
	buf_init(&b, 0, &r->step);
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			buf_byte(&b, ' ');
		buf_add(&b, f->at[i]);
	}
	if (sieve_variable_set(r, name->texts[0].text, buf_slice(&b)) != RC_OK)
		return sieve_over(r, op, "this script has too many variables");
	return RC_OK;
}

enum rc sieve_do_setflag(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct flags f = { .n = 0 };
	(void)yes;
	TRY(change_all(r, &f, &op->positions[1], false));
	return store(r, op, &f);
}

enum rc sieve_do_addflag(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct flags f;
	(void)yes;
	load(r, op, &f);
	TRY(change_all(r, &f, &op->positions[1], false));
	return store(r, op, &f);
}

enum rc sieve_do_removeflag(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct flags f;
	(void)yes;
	load(r, op, &f);
	TRY(change_all(r, &f, &op->positions[1], true));
	return store(r, op, &f);
}

enum rc sieve_do_hasflag(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct flags f;
	const struct sieve_value *names = &op->positions[0];
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	load(r, op, &f);
	for (size_t i = 1; i < names->n; i++)
		change(&f, sieve_variable_get(r, names->texts[i].text), false);
	for (size_t i = 0; i < f.n && !m.yes; i++)
		TRY(sieve_matcher_add(&m, f.at[i]));
	return sieve_matcher_end(&m, yes);
}
