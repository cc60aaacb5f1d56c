/* http-loop.c - a bare loop of libcurl: what COUNT requests cost at the least.
 *
 *   http-loop URL COUNT
 *
 * One connection, every answer read to its end, its status looked at. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static size_t
take (char *data, size_t one, size_t size, void *user)
{
  (void) data, (void) user;
  return one * size;
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  CURL *easy = curl_easy_init ();
  if (!easy)
    return 2;
  curl_easy_setopt (easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take);
  for (int count = atoi (argv[2]); count > 0; count--) {
    long status = 0;
    CURLcode code = curl_easy_perform (easy);
    if (code != CURLE_OK || curl_easy_getinfo (easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200) {
      fprintf (stderr, "http-loop: %s: %s, status %ld\n", argv[1], curl_easy_strerror (code), status);
      return 1;
    }
  }
  curl_easy_cleanup (easy);
  return 0;
}
