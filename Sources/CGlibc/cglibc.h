// What Swift's own Glibc module leaves out: the resolver for records that are no addresses, and
// malloc_trim(3). h_errno is a macro: it gets an inline twin.
#pragma once
#include <malloc.h>
#include <netdb.h>
#include <resolv.h>

static inline int x_h_errno(void) { return h_errno; }
