/*
 * A wire between two network namespaces, of some rate and length: packets that go into one TUN device come out of the
 * other, each after those before it were sent at the rate, and after the delay. What the queue has no room for is lost.
 *
 * Usage: delay-link NAME NAME MBIT DELAY_MS QUEUE_BYTES    makes both devices, prints "ready", ends with its standard input
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 17, MAX_PACKET = 2048, ETHERNET_HEADER = 14 };

struct packet {
  int64_t due;
  int length;
  char *bytes;
};

struct direction {
  int from, to;
  /* When what was taken so far has left the sender. */
  int64_t sent;
  unsigned head, tail;
  struct packet *packets;
};

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int tun(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) {
    perror(name);
    exit(1);
  }
  return device;
}

static void take(struct direction *way, double ns_per_byte, int64_t delay, int64_t queue_bytes) {
  char buffer[MAX_PACKET];
  for (;;) {
    ssize_t length = read(way->from, buffer, sizeof buffer);
    if (length <= 0) return;
    int64_t now = nanoseconds();
    if (way->sent < now) way->sent = now;
    int64_t waiting = (int64_t)((way->sent - now) / ns_per_byte);
    if (waiting + length > queue_bytes || way->tail - way->head == SLOTS) continue;
    way->sent += (int64_t)((length + ETHERNET_HEADER) * ns_per_byte);
    struct packet *packet = &way->packets[way->tail++ % SLOTS];
    packet->due = way->sent + delay;
    packet->length = (int)length;
    packet->bytes = malloc((size_t)length);
    memcpy(packet->bytes, buffer, (size_t)length);
  }
}

/* Gives what is due, and tells when the next is; -1 where there is none. */
static int64_t give(struct direction *way) {
  while (way->head != way->tail) {
    struct packet *packet = &way->packets[way->head % SLOTS];
    int64_t wait = packet->due - nanoseconds();
    if (wait > 0) return wait;
    if (write(way->to, packet->bytes, (size_t)packet->length) < 0 && errno == EAGAIN) return 100000;
    free(packet->bytes);
    way->head++;
  }
  return -1;
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  double ns_per_byte = 8000.0 / atof(arguments[3]);
  int64_t delay = (int64_t)(atof(arguments[4]) * 1e6);
  int64_t queue_bytes = atoll(arguments[5]);
  int a = tun(arguments[1]), b = tun(arguments[2]);
  struct direction ways[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
  for (int i = 0; i < 2; i++) ways[i].packets = calloc(SLOTS, sizeof(struct packet));
  puts("ready");
  fflush(stdout);
  for (;;) {
    int64_t wait = -1;
    for (int i = 0; i < 2; i++) {
      take(&ways[i], ns_per_byte, delay, queue_bytes);
      int64_t next = give(&ways[i]);
      if (next >= 0 && (wait < 0 || next < wait)) wait = next;
    }
    struct pollfd watched[] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {0, POLLIN, 0}};
    struct timespec patience = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    ppoll(watched, 3, wait < 0 ? NULL : &patience, NULL);
    char ignored[16];
    if (watched[2].revents != 0 && read(0, ignored, sizeof ignored) <= 0) return 0;
  }
}
