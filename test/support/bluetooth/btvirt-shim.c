/*
 * Loaded into btvirt, BlueZ's controller emulator, by LD_PRELOAD.
 *
 * 1. Its crypto sockets succeed on kernels that have none. Without them every Low Energy client would be dropped as
 *    soon as it connects. Links here are not encrypted by the controller, so nothing is ever written to such a socket.
 * 2. Its sockets are in the directory that BTVIRT_DIR names instead of /tmp, where two emulators would take them from
 *    each other.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FIXED_PREFIX "/tmp/bt-server-"

/* The path that stands for `path`, in `room` where it is another one. */
static const char *moved(const char *path, char room[PATH_MAX])
{
	const char *directory = getenv("BTVIRT_DIR");

	if (directory == NULL || strncmp(path, FIXED_PREFIX, strlen(FIXED_PREFIX)) != 0)
		return path;
	snprintf(room, PATH_MAX, "%s%s", directory, path + strlen("/tmp"));
	return room;
}

int socket(int domain, int type, int protocol)
{
	int (*next)(int, int, int) = dlsym(RTLD_NEXT, "socket");

	return domain == AF_ALG ? open("/dev/null", O_RDWR | O_CLOEXEC) : next(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	char room[PATH_MAX];

	if (address->sa_family == AF_ALG)
		return 0;
	if (address->sa_family != AF_UNIX)
		return next(fd, address, length);
	snprintf(here.sun_path, sizeof(here.sun_path), "%s", moved(((const struct sockaddr_un *)address)->sun_path, room));
	return next(fd, (const struct sockaddr *)&here, sizeof(here));
}

int unlink(const char *path)
{
	int (*next)(const char *) = dlsym(RTLD_NEXT, "unlink");
	char room[PATH_MAX];

	return next(moved(path, room));
}
