// curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call:
// one inline twin for each class of argument.
#pragma once
#include <curl/curl.h>

typedef size_t (*x_curl_io)(char *, size_t, size_t, void *);

static inline CURLcode x_setopt_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode x_setopt_str(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode x_setopt_ptr(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode x_setopt_slist(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode x_setopt_io(CURL *h, CURLoption o, x_curl_io f) { return curl_easy_setopt(h, o, f); }
static inline CURLcode x_getinfo_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
