/* descriptors.h - how many descriptors this process may have, and those it starts. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* As many as the system allows, for many suites, programs and connections at once. */
void descriptors_raise (void);
/* In a child before exec: what this process was started with.  Safe after fork. */
void descriptors_restore (void);

#endif
