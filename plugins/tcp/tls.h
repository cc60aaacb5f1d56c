/* tls.h - TLS on a connection, by OpenSSL between memory buffers: it never touches
 * the socket, so waiting and signals stay with connection.c. */
#ifndef TCP_TLS_H
#define TCP_TLS_H

#include "connection.h"

/* What connect, accept and start_tls take.  Files are relative to the suite's folder. */
struct tls_args {
  const char *tls_name;
  const char *tls_ca;
  const char *tls_cert;
  const char *tls_key;
  const char *tls_alpn;
  struct runner_bool tls_verify;
};

#define TLS_PARAMS(args, member)                                                                           \
  RUNNER_PARAM_AS ("tls_name", args, member.tls_name,                                                      \
                   .help = "name that the server is asked for and its certificate must have; "             \
                           "by default the host of `to`"),                                                 \
  RUNNER_PARAM_AS ("tls_ca", args, member.tls_ca,                                                          \
                   .help = "file (PEM) of the certificates to trust, instead of the system's"),            \
  RUNNER_PARAM_AS ("tls_cert", args, member.tls_cert, .help = "file (PEM) of our own certificate"),        \
  RUNNER_PARAM_AS ("tls_key", args, member.tls_key, .help = "file (PEM) of its key"),                      \
  RUNNER_PARAM_AS ("tls_alpn", args, member.tls_alpn,                                                      \
                   .help = "application protocols to offer, with commas: h2,http/1.1"),                    \
  RUNNER_PARAM_AS ("tls_verify", args, member.tls_verify, .preset = "true",                                \
                   .help = "refuse a peer whose certificate is not trusted or has another name")

/* Does the handshake.  `host` is the name by default, NULL: none.  `server`: we
 * are the one that was connected to.  RUNNER_PASS, or the outcome to return. */
int tls_start (struct runner_step *step, struct connection *connection, const struct tls_args *args,
               const char *host, int server);
void tls_free (struct tls *tls);
/* Puts the map `tls` into a result. */
void tls_put (struct runner_out *out, struct tls *tls);

int tls_send (struct runner_step *step, struct connection *connection, const void *data, size_t size);
/* Takes bytes off the wire; what they hold goes to the connection's stream.
 * RUNNER_PASS, or the outcome to return. */
int tls_take (struct runner_step *step, struct connection *connection, const void *data, size_t size);
/* Sends the end (close_notify, RFC 8446, section 6.1). */
int tls_shutdown (struct runner_step *step, struct connection *connection);
/* The same without waiting, and without looking at whether it went out. */
void tls_goodbye (struct connection *connection);

#endif
