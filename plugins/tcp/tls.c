/* tls.c - see tls.h. */
#define _GNU_SOURCE 1
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD ((size_t) 16 << 10) /* the most that one record holds (RFC 8446, section 5.1) */

struct tls {
  SSL_CTX *context;
  SSL *ssl;
  BIO *in, *out;   /* owned by `ssl` */
  char subject[256], issuer[256]; /* of the peer's certificate, refused or not; "": it has shown none */
  int sending;     /* bytes of `out` are on their way: nothing may overtake them */
};

void
tls_free (struct tls *tls)
{
  if (!tls)
    return;
  SSL_free (tls->ssl);
  SSL_CTX_free (tls->context);
  free (tls);
}

/* The first error of OpenSSL's queue, as text; empties the queue. */
static const char *
tls_error (char *out, size_t size)
{
  unsigned long error = ERR_get_error ();
  const char *reason = error ? ERR_reason_error_string (error) : NULL;
  if (reason)
    snprintf (out, size, "%s", reason);
  else if (error)
    ERR_error_string_n (error, out, size);
  else
    snprintf (out, size, "no reason given");
  ERR_clear_error ();
  return out;
}

/* ---- the wire ---- */

/* Sends what OpenSSL has written. */
static int
flush (struct runner_step *step, struct connection *connection)
{
  struct tls *tls = connection->tls;
  if (tls->sending)
    return RUNNER_PASS; /* called while it waits for room: it goes on with what was added */
  tls->sending = 1;
  int outcome = RUNNER_PASS;
  while (outcome == RUNNER_PASS && BIO_ctrl_pending (tls->out)) {
    char data[RECORD];
    int n = BIO_read (tls->out, data, sizeof data);
    if (n <= 0)
      break;
    outcome = connection_send_raw (step, connection, data, (size_t) n, NULL);
  }
  tls->sending = 0;
  return outcome;
}

/* Waits for bytes on the socket and gives them to OpenSSL. */
static int
feed (struct runner_step *step, struct connection *connection)
{
  for (;;) {
    struct pollfd ready = { .fd = connection->fd, .events = POLLIN };
    if (runner_poll (step, &ready, 1, -1) < 0)
      return runner_expired (step, "waiting for %s in the TLS handshake", connection->name);
    char data[RECORD];
    ssize_t n = recv (connection->fd, data, sizeof data, MSG_DONTWAIT);
    if (n > 0)
      return BIO_write (connection->tls->in, data, (int) n) == (int) n ? RUNNER_PASS
                                                                     : runner_error (step, "out of memory");
    if (n == 0)
      return runner_fail (step, "%s: the peer closed the connection in the TLS handshake: does it speak TLS?",
                          connection->name);
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
      return connection_lost (step, connection, "TLS handshake", errno);
  }
}

/* Reads all that OpenSSL can give us. */
static int
read_plain (struct runner_step *step, struct connection *connection)
{
  struct tls *tls = connection->tls;
  for (;;) {
    char data[RECORD];
    ERR_clear_error ();
    int n = SSL_read (tls->ssl, data, sizeof data);
    if (n > 0) {
      runner_wire (step, RUNNER_RECEIVED, connection->name, data, (size_t) n);
      if (stream_add (&connection->stream, data, (size_t) n) < 0)
        return runner_error (step, "%s: more than %zu MiB came that nothing has read", connection->name,
                             STREAM_LIMIT >> 20);
      continue;
    }
    char why[200];
    switch (SSL_get_error (tls->ssl, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return RUNNER_PASS;
    case SSL_ERROR_ZERO_RETURN:
      connection->stream.state = STREAM_ENDED;
      return RUNNER_PASS;
    default:
      connection->stream.state = STREAM_RESET;
      return runner_fail (step, "%s: TLS: %s", connection->name, tls_error (why, sizeof why));
    }
  }
}

int
tls_take (struct runner_step *step, struct connection *connection, const void *data, size_t size)
{
  const char *from = data;
  while (size) {
    size_t n = size > RECORD ? RECORD : size;
    if (BIO_write (connection->tls->in, from, (int) n) != (int) n)
      return runner_error (step, "%s: out of memory", connection->name);
    int outcome = read_plain (step, connection);
    if (outcome != RUNNER_PASS)
      return outcome;
    from += n;
    size -= n;
  }
  return flush (step, connection);
}

int
tls_send (struct runner_step *step, struct connection *connection, const void *data, size_t size)
{
  const char *from = data;
  while (size) {
    size_t n = size > RECORD ? RECORD : size;
    ERR_clear_error ();
    int written = SSL_write (connection->tls->ssl, from, (int) n);
    if (written <= 0) {
      char why[200];
      return runner_fail (step, "%s: TLS: sending: %s", connection->name, tls_error (why, sizeof why));
    }
    from += written;
    size -= (size_t) written;
    int outcome = flush (step, connection);
    if (outcome != RUNNER_PASS)
      return outcome;
  }
  return RUNNER_PASS;
}

int
tls_shutdown (struct runner_step *step, struct connection *connection)
{
  ERR_clear_error ();
  int result = SSL_shutdown (connection->tls->ssl);
  char why[200];
  if (result < 0 && SSL_get_error (connection->tls->ssl, result) != SSL_ERROR_WANT_READ)
    return runner_fail (step, "%s: TLS: closing: %s", connection->name, tls_error (why, sizeof why));
  return flush (step, connection);
}

void
tls_goodbye (struct connection *connection)
{
  struct tls *tls = connection->tls;
  char data[RECORD];
  ERR_clear_error ();
  (void) SSL_shutdown (tls->ssl);
  int n = BIO_read (tls->out, data, sizeof data);
  if (n > 0)
    (void) send (connection->fd, data, (size_t) n, MSG_NOSIGNAL | MSG_DONTWAIT);
  ERR_clear_error ();
}

/* ---- the handshake ---- */

/* Why the peer's certificate is refused, and whose it is. */
static int
fail_certificate (struct runner_step *step, struct connection *connection, const struct tls_args *args,
                  const char *name, long verdict)
{
  const struct tls *tls = connection->tls;
  const char *hint = "";
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
    hint = " (tls_name says which name it must have)";
  else if (!args->tls_ca)
    hint = " (tls_ca names the certificates to trust)";
  ERR_clear_error ();
  return runner_fail (step, "%s: the certificate is refused: %s; it is for %s, issued by %s; expected name: %s%s",
                      connection->name, X509_verify_cert_error_string (verdict), tls->subject,
                      tls->issuer, name ? name : "none", hint);
}

static int
handshake (struct runner_step *step, struct connection *connection, const struct tls_args *args, const char *name)
{
  struct tls *tls = connection->tls;
  for (;;) {
    ERR_clear_error ();
    int result = SSL_do_handshake (tls->ssl);
    int error = SSL_get_error (tls->ssl, result);
    long verdict = SSL_get_verify_result (tls->ssl);
    char why[200] = "";
    if (result != 1 && error != SSL_ERROR_WANT_READ)
      tls_error (why, sizeof why);
    int outcome = flush (step, connection); /* alerts too */
    if (result == 1)
      return outcome;
    if (error != SSL_ERROR_WANT_READ) {
      if (args->tls_verify.on && verdict != X509_V_OK)
        return fail_certificate (step, connection, args, name, verdict);
      return runner_fail (step, "%s: TLS handshake: %s", connection->name, why);
    }
    if (outcome == RUNNER_PASS)
      outcome = feed (step, connection);
    if (outcome != RUNNER_PASS)
      return outcome;
  }
}

static int
file_path (struct runner_step *step, const char *file, char *path, size_t size)
{
  int n = snprintf (path, size, "%s%s%s", *file == '/' ? "" : runner_folder (step), *file == '/' ? "" : "/", file);
  return n > 0 && (size_t) n < size ? RUNNER_PASS : runner_error (step, "%s: the path is too long", file);
}

/* The system's certificates are many: they are read only for who judges another's by them. */
static int
load_files (struct runner_step *step, SSL_CTX *context, const struct tls_args *args, int verify)
{
  char path[4096], why[200];
  if (args->tls_ca) {
    if (file_path (step, args->tls_ca, path, sizeof path) != RUNNER_PASS)
      return RUNNER_ERROR;
    if (SSL_CTX_load_verify_file (context, path) != 1)
      return runner_error (step, "tls_ca: %s: %s", path, tls_error (why, sizeof why));
  } else if (verify && SSL_CTX_set_default_verify_paths (context) != 1) {
    return runner_error (step, "the system's certificates: %s", tls_error (why, sizeof why));
  }
  if (!args->tls_cert != !args->tls_key)
    return runner_error (step, "tls_cert and tls_key go together");
  if (!args->tls_cert)
    return RUNNER_PASS;
  if (file_path (step, args->tls_cert, path, sizeof path) != RUNNER_PASS)
    return RUNNER_ERROR;
  if (SSL_CTX_use_certificate_chain_file (context, path) != 1)
    return runner_error (step, "tls_cert: %s: %s", path, tls_error (why, sizeof why));
  if (file_path (step, args->tls_key, path, sizeof path) != RUNNER_PASS)
    return RUNNER_ERROR;
  if (SSL_CTX_use_PrivateKey_file (context, path, SSL_FILETYPE_PEM) != 1)
    return runner_error (step, "tls_key: %s: %s", path, tls_error (why, sizeof why));
  return RUNNER_PASS;
}

/* Protocols as ALPN has them: each with its length before it (RFC 7301, 3.1). */
static int
set_protocols (struct runner_step *step, SSL *ssl, const char *list)
{
  unsigned char wire[256];
  size_t size = 0;
  while (*list) {
    size_t n = strcspn (list, ",");
    if (n == 0 || n + 1 > sizeof wire - size)
      return runner_error (step, "tls_alpn: names with commas between them, such as h2,http/1.1");
    wire[size++] = (unsigned char) n;
    memcpy (wire + size, list, n);
    size += n;
    list += n + (list[n] == ',');
  }
  /* Returns 0 when it worked. */
  return SSL_set_alpn_protos (ssl, wire, (unsigned) size) == 0 ? RUNNER_PASS
                                                               : runner_error (step, "tls_alpn: out of memory");
}

/* An address is looked for among the certificate's addresses, and not sent
 * as the name that is asked for (RFC 6066, section 3). */
static int
set_name (SSL *ssl, const char *name, int verify)
{
  unsigned char address[16];
  int is_address = inet_pton (AF_INET, name, address) == 1 || inet_pton (AF_INET6, name, address) == 1;
  X509_VERIFY_PARAM *param = SSL_get0_param (ssl);
  if (is_address)
    return !verify || X509_VERIFY_PARAM_set1_ip_asc (param, name) == 1;
  if (verify && X509_VERIFY_PARAM_set1_host (param, name, 0) != 1)
    return 0;
  return SSL_set_tlsext_host_name (ssl, name) == 1;
}

/* Notes whose certificate it is, which OpenSSL forgets when it is refused. */
static int
verify_certificate (X509_STORE_CTX *store, void *argument)
{
  struct tls *tls = argument;
  X509 *certificate = X509_STORE_CTX_get0_cert (store);
  X509_NAME_oneline (X509_get_subject_name (certificate), tls->subject, sizeof tls->subject);
  X509_NAME_oneline (X509_get_issuer_name (certificate), tls->issuer, sizeof tls->issuer);
  return X509_verify_cert (store) > 0;
}

static int
prepare (struct runner_step *step, struct tls *tls, const struct tls_args *args, const char *name, int server)
{
  int verify = args->tls_verify.on && (!server || args->tls_ca);
  int outcome = load_files (step, tls->context, args, verify);
  if (outcome != RUNNER_PASS)
    return outcome;
  int mode = verify ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE;
  SSL_CTX_set_verify (tls->context, mode, NULL);
  SSL_CTX_set_cert_verify_callback (tls->context, verify_certificate, tls);
  tls->ssl = SSL_new (tls->context);
  BIO *in = BIO_new (BIO_s_mem ()), *out = BIO_new (BIO_s_mem ());
  if (!tls->ssl || !in || !out) {
    BIO_free (in);
    BIO_free (out);
    return runner_error (step, "TLS: out of memory");
  }
  BIO_set_mem_eof_return (in, -1); /* empty: more will come */
  SSL_set_bio (tls->ssl, in, out);
  tls->in = in;
  tls->out = out;
  if (server) {
    SSL_set_accept_state (tls->ssl);
    return RUNNER_PASS;
  }
  SSL_set_connect_state (tls->ssl);
  char why[200];
  if (name && !set_name (tls->ssl, name, verify))
    return runner_error (step, "tls_name: %s: %s", name, tls_error (why, sizeof why));
  return args->tls_alpn ? set_protocols (step, tls->ssl, args->tls_alpn) : RUNNER_PASS;
}

int
tls_start (struct runner_step *step, struct connection *connection, const struct tls_args *args, const char *host,
           int server)
{
  if (connection->tls)
    return runner_error (step, "%s: it speaks TLS already", connection->name);
  if (server && !args->tls_cert)
    return runner_error (step, "who accepts TLS connections needs tls_cert and tls_key");
  if (server && args->tls_alpn)
    return runner_error (step, "tls_alpn is for the side that connects");
  const char *name = args->tls_name ? args->tls_name : host;
  struct tls *tls = calloc (1, sizeof *tls);
  if (!tls)
    return runner_error (step, "out of memory");
  ERR_clear_error ();
  tls->context = SSL_CTX_new (server ? TLS_server_method () : TLS_client_method ());
  int outcome = tls->context ? prepare (step, tls, args, name, server) : runner_error (step, "TLS: out of memory");
  if (outcome != RUNNER_PASS) {
    tls_free (tls);
    return outcome;
  }
  connection->tls = tls;
  outcome = handshake (step, connection, args, name);
  /* Bytes of the stream may have come with the last of the handshake. */
  return outcome == RUNNER_PASS ? read_plain (step, connection) : outcome;
}

void
tls_put (struct runner_out *out, struct tls *tls)
{
  const unsigned char *protocol = NULL;
  unsigned protocol_size = 0;
  SSL_get0_alpn_selected (tls->ssl, &protocol, &protocol_size);
  runner_put_map (out, "tls");
  runner_put_string (out, "version", SSL_get_version (tls->ssl));
  runner_put_string (out, "cipher", SSL_get_cipher_name (tls->ssl));
  runner_put_string (out, "subject", *tls->subject ? tls->subject : NULL);
  runner_put_string (out, "issuer", *tls->issuer ? tls->issuer : NULL);
  runner_put_text (out, "alpn", (const char *) protocol, protocol_size);
  runner_put_bool (out, "verified", SSL_get_verify_mode (tls->ssl) != SSL_VERIFY_NONE
                                      && SSL_get_verify_result (tls->ssl) == X509_V_OK);
  runner_put_end (out);
}
