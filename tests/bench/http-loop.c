/* http-loop.c - a bare loop of libcurl: what COUNT requests cost at the least.
 *
 *   http-loop URL COUNT [THREADS]
 *
 * One connection a thread, every answer read to its end, its status looked at.
 * With several threads each sends COUNT requests, for comparison with users of a load. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char *url;
static int count;

static size_t
take (char *data, size_t one, size_t size, void *user)
{
  (void) data, (void) user;
  return one * size;
}

/* NULL: all went well. */
static void *
run_loop (void *failed)
{
  CURL *easy = curl_easy_init ();
  if (!easy)
    return failed;
  curl_easy_setopt (easy, CURLOPT_URL, url);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_TIMEOUT, 20L); /* told, rather than waited for */
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take);
  for (int i = 0; i < count; i++) {
    long status = 0;
    CURLcode code = curl_easy_perform (easy);
    if (code == CURLE_OK)
      code = curl_easy_getinfo (easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
      fprintf (stderr, "http-loop: %s: %s, status %ld\n", url, curl_easy_strerror (code), status);
      return failed;
    }
  }
  curl_easy_cleanup (easy);
  return NULL;
}

static int
run_threads (int n)
{
  pthread_t *threads = calloc ((size_t) n, sizeof *threads);
  int status = threads ? 0 : 2;
  for (int i = 0; i < n && threads; i++)
    if (pthread_create (&threads[i], NULL, run_loop, threads) != 0) {
      fprintf (stderr, "http-loop: no more threads\n");
      status = 2;
      n = i;
    }
  for (int i = 0; i < n && threads; i++) {
    void *failed;
    if (pthread_join (threads[i], &failed) != 0 || failed)
      status = 1;
  }
  free (threads);
  return status;
}

int
main (int argc, char **argv)
{
  if (argc != 3 && argc != 4)
    return 2;
  url = argv[1];
  count = atoi (argv[2]);
  if (curl_global_init (CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return 2;
  return argc == 4 ? run_threads (atoi (argv[3])) : run_loop (argv) ? 1 : 0;
}
