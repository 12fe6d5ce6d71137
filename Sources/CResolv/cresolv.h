// glibc's resolver for records that are no addresses. h_errno is a macro: it gets an inline twin.
#pragma once
#include <netdb.h>
#include <resolv.h>

static inline int x_h_errno(void) { return h_errno; }
