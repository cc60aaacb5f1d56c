/* descriptors.h - how many descriptors this process may have, and those it starts;
 * handing them to another process; writing to one. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stdbool.h>
#include <sys/types.h>

#define DESCRIPTORS_SENT 4 /* at once, at most */

/* As many as the system allows, for many suites, programs and connections at once. */
void descriptors_raise (void);
/* In a child before exec: what this process was started with.  Safe after fork. */
void descriptors_restore (void);

/* One message over a socket that keeps messages apart (SOCK_SEQPACKET), with n descriptors. */
bool descriptors_send (int socket, const void *data, size_t size, const int *fds, size_t n);
/* Takes one: its size, 0 at the end, -1 (errno).  *n becomes how many descriptors came with
 * it: they are the caller's. */
ssize_t descriptors_receive (int socket, void *data, size_t size, int flags, int fds[DESCRIPTORS_SENT], size_t *n);

/* Writes all of it, however often it takes.  False: errno. */
bool descriptor_write (int fd, const char *data, size_t size);
/* The same to a socket; whose other end is gone is an error (EPIPE), no signal. */
bool descriptor_send (int socket, const char *data, size_t size);

#endif
