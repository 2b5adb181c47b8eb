/* Preloaded, it logs the calls by which a program makes something last: files that are flushed, and names that files get or lose. The program dies before one
   of them. The file named in WRITES says which: the count-th call whose line has "needle" in it, after a line with "after" in it. WRITES.log gets a line
   for each call; WRITES.wal is what the log of the database was when it was last flushed, which is what a power cut may leave of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static struct { volatile long long count; char after[256], needle[256]; } *order;
static char wal[PATH_MAX], part[PATH_MAX];
static int lines;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WRITES");
    char name[PATH_MAX];
    int file = open(path ? path : "", O_RDWR | O_CLOEXEC);
    void *bytes = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        abort();
    order = bytes;
    close(file);
    snprintf(wal, sizeof wal, "%s.wal", path);
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(name, sizeof name, "%s.log", path);
    lines = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    /* Not in the programs that it starts. */
    unsetenv("LD_PRELOAD");
}

static void comes(const char *call, const char *from, const char *to)
{
    char line[2 * PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", call, from, to);
    pthread_mutex_lock(&turn);
    if (write(lines, line, length) != length)
        abort();
    if (order->count > 0) {
        if (*order->after && strstr(line, order->after))
            *order->after = 0;
        else if (!*order->after && strstr(line, order->needle) && --order->count == 0) {
            kill(getpid(), SIGKILL);
            for (;;)
                pause();
        }
    }
    pthread_mutex_unlock(&turn);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_wal(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, "-wal");
}

/* The flushed file is copied as it is: one program writes to it, one transaction at a time. */
static void keep(const char *path)
{
    struct stat status;
    off_t from = 0;
    int source = open(path, O_RDONLY | O_CLOEXEC), copy = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (source < 0 || copy < 0 || fstat(source, &status) != 0)
        abort();
    while (from < status.st_size)
        if (sendfile(copy, source, &from, status.st_size - from) <= 0)
            abort();
    close(source);
    close(copy);
    int (*move)(const char *, const char *) = real("rename");
    move(part, wal);
}

static int flush(const char *call, int file)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    comes("flush", path, "");
    int (*next)(int) = real(call);
    int result = next(file);
    if (result == 0 && is_wal(path))
        keep(path);
    return result;
}

int fsync(int file) { return flush("fsync", file); }

int fdatasync(int file) { return flush("fdatasync", file); }

int rename(const char *from, const char *to)
{
    comes("rename", from, to);
    int (*next)(const char *, const char *) = real("rename");
    return next(from, to);
}

int link(const char *from, const char *to)
{
    comes("link", from, to);
    int (*next)(const char *, const char *) = real("link");
    return next(from, to);
}

int unlink(const char *path)
{
    /* Names that are not there are removed to be sure, and nothing is written. */
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        comes("unlink", path, "");
    int (*next)(const char *) = real("unlink");
    int result = next(path);
    if (result == 0 && is_wal(path))
        next(wal);
    return result;
}

/* The daemon finds fsync by its name. */
void *dlsym(void *library, const char *name)
{
    static void *(*find)(void *, const char *);
    if (!find)
        find = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    return library != RTLD_NEXT && !strcmp(name, "fsync") ? (void *)fsync : find(library, name);
}
