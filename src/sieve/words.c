/* words.c: Tables of the language: extensions, tags, commands and tests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

static const char *const exts[EXT_COUNT] = {
	[EXT_NONE] = "",
	[EXT_BODY] = "body",
	[EXT_CMP_CASEMAP] = "comparator-i;ascii-casemap",
	[EXT_CMP_NUMERIC] = "comparator-i;ascii-numeric",
	[EXT_CMP_OCTET] = "comparator-i;octet",
	[EXT_CMP_UNICODE] = "comparator-i;unicode-casemap",
	[EXT_COPY] = "copy",
	[EXT_DATE] = "date",
	[EXT_DUPLICATE] = "duplicate",
	[EXT_EDITHEADER] = "editheader",
	[EXT_ENCLOSE] = "enclose",
	[EXT_ENCODED] = "encoded-character",
	[EXT_ENOTIFY] = "enotify",
	[EXT_ENVELOPE] = "envelope",
	[EXT_ENVIRONMENT] = "environment",
	[EXT_EREJECT] = "ereject",
	[EXT_EXTLISTS] = "extlists",
	[EXT_EXTRACTTEXT] = "extracttext",
	[EXT_FCC] = "fcc",
	[EXT_FILEINTO] = "fileinto",
	[EXT_FOREVERYPART] = "foreverypart",
	[EXT_IHAVE] = "ihave",
	[EXT_FLAGS] = "imap4flags",
	[EXT_INCLUDE] = "include",
	[EXT_INDEX] = "index",
	[EXT_MAILBOX] = "mailbox",
	[EXT_MAILBOXID] = "mailboxid",
	[EXT_MBOXMETADATA] = "mboxmetadata",
	[EXT_MIME] = "mime",
	[EXT_REGEX] = "regex",
	[EXT_REJECT] = "reject",
	[EXT_RELATIONAL] = "relational",
	[EXT_REPLACE] = "replace",
	[EXT_SERVERMETADATA] = "servermetadata",
	[EXT_SPAMTEST] = "spamtest",
	[EXT_SPAMTESTPLUS] = "spamtestplus",
	[EXT_SPECIALUSE] = "special-use",
	[EXT_SUBADDRESS] = "subaddress",
	[EXT_VACATION] = "vacation",
	[EXT_VACATION_SECONDS] = "vacation-seconds",
	[EXT_VARIABLES] = "variables",
	[EXT_VIRUSTEST] = "virustest",
};

static const struct sieve_tag_row tags[TAG_COUNT] = {
	[TAG_IS] = { "is", TAKES_NOTHING, EXT_NONE, GROUP_MATCH },
	[TAG_CONTAINS] = { "contains", TAKES_NOTHING, EXT_NONE, GROUP_MATCH },
	[TAG_MATCHES] = { "matches", TAKES_NOTHING, EXT_NONE, GROUP_MATCH },
	[TAG_COUNT_OF] = { "count", TAKES_STRING, EXT_RELATIONAL, GROUP_MATCH },
	[TAG_VALUE] = { "value", TAKES_STRING, EXT_RELATIONAL, GROUP_MATCH },
	[TAG_REGEX] = { "regex", TAKES_NOTHING, EXT_REGEX, GROUP_MATCH },
	[TAG_LIST] = { "list", TAKES_NOTHING, EXT_EXTLISTS, GROUP_MATCH },
	[TAG_COMPARATOR] = { "comparator", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_ALL] = { "all", TAKES_NOTHING, EXT_NONE, GROUP_PART },
	[TAG_LOCALPART] = { "localpart", TAKES_NOTHING, EXT_NONE, GROUP_PART },
	[TAG_DOMAIN] = { "domain", TAKES_NOTHING, EXT_NONE, GROUP_PART },
	[TAG_USER] = { "user", TAKES_NOTHING, EXT_SUBADDRESS, GROUP_PART },
	[TAG_DETAIL] = { "detail", TAKES_NOTHING, EXT_SUBADDRESS, GROUP_PART },
	[TAG_OVER] = { "over", TAKES_NOTHING, EXT_NONE, GROUP_SIZE },
	[TAG_UNDER] = { "under", TAKES_NOTHING, EXT_NONE, GROUP_SIZE },
	[TAG_COPY] = { "copy", TAKES_NOTHING, EXT_COPY, GROUP_NONE },
	[TAG_CREATE] = { "create", TAKES_NOTHING, EXT_MAILBOX, GROUP_NONE },
	[TAG_FLAGS] = { "flags", TAKES_LIST, EXT_FLAGS, GROUP_NONE },
	[TAG_SPECIALUSE] = { "specialuse", TAKES_STRING, EXT_SPECIALUSE, GROUP_NONE },
	[TAG_MAILBOXID] = { "mailboxid", TAKES_STRING, EXT_MAILBOXID, GROUP_NONE },
	[TAG_FCC] = { "fcc", TAKES_STRING, EXT_FCC, GROUP_NONE },
	[TAG_RAW] = { "raw", TAKES_NOTHING, EXT_NONE, GROUP_BODY },
	[TAG_CONTENT] = { "content", TAKES_LIST, EXT_NONE, GROUP_BODY },
	[TAG_TEXT] = { "text", TAKES_NOTHING, EXT_NONE, GROUP_BODY },
	[TAG_INDEX] = { "index", TAKES_NUMBER, EXT_INDEX, GROUP_NONE },
	[TAG_LAST] = { "last", TAKES_NOTHING, EXT_INDEX, GROUP_NONE },
	[TAG_ZONE] = { "zone", TAKES_STRING, EXT_NONE, GROUP_ZONE },
	[TAG_ORIGINALZONE] = { "originalzone", TAKES_NOTHING, EXT_NONE, GROUP_ZONE },
	[TAG_LOWER] = { "lower", TAKES_NOTHING, EXT_NONE, GROUP_CASE },
	[TAG_UPPER] = { "upper", TAKES_NOTHING, EXT_NONE, GROUP_CASE },
	[TAG_LOWERFIRST] = { "lowerfirst", TAKES_NOTHING, EXT_NONE, GROUP_FIRST },
	[TAG_UPPERFIRST] = { "upperfirst", TAKES_NOTHING, EXT_NONE, GROUP_FIRST },
	[TAG_QUOTEWILDCARD] = { "quotewildcard", TAKES_NOTHING, EXT_NONE, GROUP_NONE },
	[TAG_QUOTEREGEX] = { "quoteregex", TAKES_NOTHING, EXT_REGEX, GROUP_NONE },
	[TAG_ENCODEURL] = { "encodeurl", TAKES_NOTHING, EXT_ENOTIFY, GROUP_NONE },
	[TAG_LENGTH] = { "length", TAKES_NOTHING, EXT_NONE, GROUP_NONE },
	[TAG_DAYS] = { "days", TAKES_NUMBER, EXT_NONE, GROUP_TIME },
	[TAG_SECONDS] = { "seconds", TAKES_NUMBER, EXT_VACATION_SECONDS, GROUP_TIME },
	[TAG_SUBJECT] = { "subject", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_FROM] = { "from", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_ADDRESSES] = { "addresses", TAKES_LIST, EXT_NONE, GROUP_NONE },
	[TAG_MIME] = { "mime", TAKES_NOTHING, EXT_MIME, GROUP_NONE },
	[TAG_HANDLE] = { "handle", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_HEADER] = { "header", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_UNIQUEID] = { "uniqueid", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_PERSONAL] = { "personal", TAKES_NOTHING, EXT_NONE, GROUP_WHERE },
	[TAG_GLOBAL] = { "global", TAKES_NOTHING, EXT_NONE, GROUP_WHERE },
	[TAG_ONCE] = { "once", TAKES_NOTHING, EXT_NONE, GROUP_NONE },
	[TAG_OPTIONAL] = { "optional", TAKES_NOTHING, EXT_NONE, GROUP_NONE },
	[TAG_IMPORTANCE] = { "importance", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_OPTIONS] = { "options", TAKES_LIST, EXT_NONE, GROUP_NONE },
	[TAG_MESSAGE] = { "message", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_PERCENT] = { "percent", TAKES_NOTHING, EXT_SPAMTESTPLUS, GROUP_NONE },
	[TAG_ANYCHILD] = { "anychild", TAKES_NOTHING, EXT_MIME, GROUP_NONE },
	[TAG_TYPE] = { "type", TAKES_NOTHING, EXT_MIME, GROUP_MIME },
	[TAG_SUBTYPE] = { "subtype", TAKES_NOTHING, EXT_MIME, GROUP_MIME },
	[TAG_CONTENTTYPE] = { "contenttype", TAKES_NOTHING, EXT_MIME, GROUP_MIME },
	[TAG_PARAM] = { "param", TAKES_LIST, EXT_MIME, GROUP_MIME },
	[TAG_NAME] = { "name", TAKES_STRING, EXT_NONE, GROUP_NONE },
	[TAG_FIRST] = { "first", TAKES_NUMBER, EXT_NONE, GROUP_NONE },
	[TAG_HEADERS] = { "headers", TAKES_LIST, EXT_NONE, GROUP_NONE },
};

/* Sets of tags that several words have. */
#define MATCHING \
	(1ull << TAG_IS | 1ull << TAG_CONTAINS | 1ull << TAG_MATCHES | 1ull << TAG_COMPARATOR)
#define MATCHING_MORE \
	(1ull << TAG_COUNT_OF | 1ull << TAG_VALUE | 1ull << TAG_REGEX | 1ull << TAG_LIST)
#define PARTS (1ull << TAG_ALL | 1ull << TAG_LOCALPART | 1ull << TAG_DOMAIN)
#define PARTS_MORE (1ull << TAG_USER | 1ull << TAG_DETAIL)
#define INDEXES (1ull << TAG_INDEX | 1ull << TAG_LAST)
#define STORING \
	(1ull << TAG_CREATE | 1ull << TAG_FLAGS | 1ull << TAG_SPECIALUSE | 1ull << TAG_MAILBOXID)
#define CASES \
	(1ull << TAG_LOWER | 1ull << TAG_UPPER | 1ull << TAG_LOWERFIRST | 1ull << TAG_UPPERFIRST | \
		1ull << TAG_QUOTEWILDCARD | 1ull << TAG_LENGTH)
#define CASES_MORE (1ull << TAG_QUOTEREGEX | 1ull << TAG_ENCODEURL)

/* In order of the alphabet. */
static const struct sieve_word words[] = {
	{ "addflag", WORD_COMMAND, EXT_FLAGS, "?vS", 0, 0, sieve_do_addflag },
	{ "addheader", WORD_COMMAND, EXT_EDITHEADER, "hs", 1ull << TAG_LAST, 0,
		sieve_do_addheader },
	{ "address", WORD_TEST, EXT_NONE, "AK", MATCHING | PARTS,
		MATCHING_MORE | PARTS_MORE | INDEXES | 1ull << TAG_MIME | 1ull << TAG_ANYCHILD,
		sieve_do_address },
	{ "allof", WORD_LOGIC, EXT_NONE, "", 0, 0, NULL },
	{ "anyof", WORD_LOGIC, EXT_NONE, "", 0, 0, NULL },
	{ "body", WORD_TEST, EXT_BODY, "K",
		MATCHING | 1ull << TAG_RAW | 1ull << TAG_CONTENT | 1ull << TAG_TEXT, MATCHING_MORE,
		sieve_do_body },
	{ "break", WORD_CONTROL, EXT_FOREVERYPART, "", 1ull << TAG_NAME, 0, sieve_do_break },
	{ "currentdate", WORD_TEST, EXT_DATE, "dK", MATCHING | 1ull << TAG_ZONE, MATCHING_MORE,
		sieve_do_currentdate },
	{ "date", WORD_TEST, EXT_DATE, "sdK",
		MATCHING | 1ull << TAG_ZONE | 1ull << TAG_ORIGINALZONE, MATCHING_MORE | INDEXES,
		sieve_do_date },
	{ "deleteheader", WORD_COMMAND, EXT_EDITHEADER, "h?K", MATCHING | INDEXES, MATCHING_MORE,
		sieve_do_deleteheader },
	{ "discard", WORD_COMMAND, EXT_NONE, "", 0, 0, sieve_do_discard },
	{ "duplicate", WORD_TEST, EXT_DUPLICATE, "",
		1ull << TAG_HANDLE | 1ull << TAG_HEADER | 1ull << TAG_UNIQUEID |
			1ull << TAG_SECONDS | 1ull << TAG_LAST,
		0, sieve_do_duplicate },
	{ "else", WORD_CONTROL, EXT_NONE, "", 0, 0, NULL },
	{ "elsif", WORD_CONTROL, EXT_NONE, "", 0, 0, NULL },
	{ "enclose", WORD_COMMAND, EXT_ENCLOSE, "s", 1ull << TAG_SUBJECT | 1ull << TAG_HEADERS, 0,
		sieve_do_enclose },
	{ "envelope", WORD_TEST, EXT_ENVELOPE, "EK", MATCHING | PARTS, MATCHING_MORE | PARTS_MORE,
		sieve_do_envelope },
	{ "environment", WORD_TEST, EXT_ENVIRONMENT, "sK", MATCHING, MATCHING_MORE,
		sieve_do_environment },
	{ "ereject", WORD_COMMAND, EXT_EREJECT, "s", 0, 0, sieve_do_ereject },
	{ "error", WORD_COMMAND, EXT_IHAVE, "s", 0, 0, sieve_do_error },
	{ "exists", WORD_TEST, EXT_NONE, "S", 0, 1ull << TAG_MIME | 1ull << TAG_ANYCHILD,
		sieve_do_exists },
	{ "extracttext", WORD_COMMAND, EXT_EXTRACTTEXT, "v", 1ull << TAG_FIRST | CASES, CASES_MORE,
		sieve_do_extracttext },
	{ "false", WORD_LOGIC, EXT_NONE, "", 0, 0, NULL },
	{ "fileinto", WORD_COMMAND, EXT_FILEINTO, "s", 0, 1ull << TAG_COPY | STORING,
		sieve_do_fileinto },
	{ "foreverypart", WORD_CONTROL, EXT_FOREVERYPART, "", 1ull << TAG_NAME, 0,
		sieve_do_foreverypart },
	{ "global", WORD_COMMAND, EXT_INCLUDE, "V", 0, 0, sieve_do_global },
	{ "hasflag", WORD_TEST, EXT_FLAGS, "?VK", MATCHING, MATCHING_MORE, sieve_do_hasflag },
	{ "header", WORD_TEST, EXT_NONE, "SK", MATCHING,
		MATCHING_MORE | INDEXES | 1ull << TAG_MIME | 1ull << TAG_ANYCHILD |
			1ull << TAG_TYPE | 1ull << TAG_SUBTYPE | 1ull << TAG_CONTENTTYPE |
			1ull << TAG_PARAM,
		sieve_do_header },
	{ "if", WORD_CONTROL, EXT_NONE, "", 0, 0, NULL },
	{ "ihave", WORD_LOGIC, EXT_IHAVE, "S", 0, 0, NULL },
	{ "include", WORD_COMMAND, EXT_INCLUDE, "s",
		1ull << TAG_PERSONAL | 1ull << TAG_GLOBAL | 1ull << TAG_ONCE | 1ull << TAG_OPTIONAL,
		0, sieve_do_include },
	{ "keep", WORD_COMMAND, EXT_NONE, "", 0, 1ull << TAG_FLAGS, sieve_do_keep },
	{ "mailboxexists", WORD_TEST, EXT_MAILBOX, "S", 0, 0, sieve_do_mailboxexists },
	{ "mailboxidexists", WORD_TEST, EXT_MAILBOXID, "S", 0, 0, sieve_do_mailboxidexists },
	{ "metadata", WORD_TEST, EXT_MBOXMETADATA, "ssK", MATCHING, MATCHING_MORE,
		sieve_do_metadata },
	{ "metadataexists", WORD_TEST, EXT_MBOXMETADATA, "sS", 0, 0, sieve_do_metadataexists },
	{ "not", WORD_LOGIC, EXT_NONE, "", 0, 0, NULL },
	{ "notify", WORD_COMMAND, EXT_ENOTIFY, "s",
		1ull << TAG_FROM | 1ull << TAG_IMPORTANCE | 1ull << TAG_OPTIONS |
			1ull << TAG_MESSAGE,
		1ull << TAG_FCC | STORING, sieve_do_notify },
	{ "notify_method_capability", WORD_TEST, EXT_ENOTIFY, "ssK", MATCHING, MATCHING_MORE,
		sieve_do_notify_method_capability },
	{ "redirect", WORD_COMMAND, EXT_NONE, "a", 0, 1ull << TAG_COPY | 1ull << TAG_LIST,
		sieve_do_redirect },
	{ "reject", WORD_COMMAND, EXT_REJECT, "s", 0, 0, sieve_do_reject },
	{ "removeflag", WORD_COMMAND, EXT_FLAGS, "?vS", 0, 0, sieve_do_removeflag },
	{ "replace", WORD_COMMAND, EXT_REPLACE, "s",
		1ull << TAG_MIME | 1ull << TAG_SUBJECT | 1ull << TAG_FROM, 0, sieve_do_replace },
	{ "require", WORD_CONTROL, EXT_NONE, "S", 0, 0, NULL },
	{ "return", WORD_COMMAND, EXT_INCLUDE, "", 0, 0, sieve_do_return },
	{ "servermetadata", WORD_TEST, EXT_SERVERMETADATA, "sK", MATCHING, MATCHING_MORE,
		sieve_do_servermetadata },
	{ "servermetadataexists", WORD_TEST, EXT_SERVERMETADATA, "S", 0, 0,
		sieve_do_servermetadataexists },
	{ "set", WORD_COMMAND, EXT_VARIABLES, "vs", CASES, CASES_MORE, sieve_do_set },
	{ "setflag", WORD_COMMAND, EXT_FLAGS, "?vS", 0, 0, sieve_do_setflag },
	{ "size", WORD_TEST, EXT_NONE, "n", 1ull << TAG_OVER | 1ull << TAG_UNDER, 0,
		sieve_do_size },
	{ "spamtest", WORD_TEST, EXT_SPAMTEST, "K", MATCHING, MATCHING_MORE | 1ull << TAG_PERCENT,
		sieve_do_spamtest },
	{ "specialuse_exists", WORD_TEST, EXT_SPECIALUSE, "?sS", 0, 0, sieve_do_specialuse_exists },
	{ "stop", WORD_COMMAND, EXT_NONE, "", 0, 0, sieve_do_stop },
	{ "string", WORD_TEST, EXT_VARIABLES, "SK", MATCHING, MATCHING_MORE, sieve_do_string },
	{ "true", WORD_LOGIC, EXT_NONE, "", 0, 0, NULL },
	{ "vacation", WORD_COMMAND, EXT_VACATION, "s",
		1ull << TAG_DAYS | 1ull << TAG_SUBJECT | 1ull << TAG_FROM | 1ull << TAG_ADDRESSES |
			1ull << TAG_MIME | 1ull << TAG_HANDLE,
		1ull << TAG_SECONDS | 1ull << TAG_FCC | STORING, sieve_do_vacation },
	{ "valid_ext_list", WORD_TEST, EXT_EXTLISTS, "S", 0, 0, sieve_do_valid_ext_list },
	{ "valid_notify_method", WORD_TEST, EXT_ENOTIFY, "S", 0, 0, sieve_do_valid_notify_method },
	{ "virustest", WORD_TEST, EXT_VIRUSTEST, "K", MATCHING, MATCHING_MORE, sieve_do_virustest },
};

struct slice sieve_extension(size_t i)
{
	return i + 1 < EXT_COUNT ? slice_str(exts[i + 1]) : S("");
}

const char *sieve_ext_name(enum sieve_ext ext)
{
	return exts[ext];
}

enum sieve_ext sieve_ext_find(struct slice name)
{
	for (enum sieve_ext e = EXT_NONE + 1; e < EXT_COUNT; e++) {
		if (slice_eq(name, slice_str(exts[e])))
			return e;
	}
	return EXT_NONE;
}

const struct sieve_tag_row *sieve_tag_row(enum sieve_tag tag)
{
	return &tags[tag];
}

enum sieve_tag sieve_tag_find(struct slice name)
{
	enum sieve_tag t = 0;
	while (t < TAG_COUNT && !slice_eq_nocase(name, slice_str(tags[t].name)))
		t++;
	return t;
}

const struct sieve_word *sieve_word_find(struct slice name)
{
	size_t from = 0, to = sizeof(words) / sizeof(words[0]);
	while (from < to) {
		size_t middle = (from + to) / 2;
		int order = slice_cmp_nocase(name, slice_str(words[middle].name));
		if (order == 0)
			return &words[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}
