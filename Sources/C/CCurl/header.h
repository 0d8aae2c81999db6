// libcurl, and typed forms of its functions of many forms, which Swift cannot import. One call each, no logic.
#ifndef KOMAINU_CCURL_H
#define KOMAINU_CCURL_H
#include <curl/curl.h>

static inline CURLcode komainu_curl_set_text(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode komainu_curl_set_number(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode komainu_curl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode komainu_curl_set_context(CURL *curl, CURLoption option, void *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode komainu_curl_set_writer(CURL *curl, size_t (*writer)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, writer);
}
static inline CURLcode komainu_curl_set_opener(CURL *curl, curl_opensocket_callback opener) {
    return curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, opener);
}
static inline CURLcode komainu_curl_get_status(CURL *curl, long *status) {
    return curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
}
#endif
