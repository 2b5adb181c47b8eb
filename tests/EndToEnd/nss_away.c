/* A name service module that stands for a directory, in the state that a file says: up; down: it says that it is unavailable; masked: a later
   service answers in its place that there is nothing; slow: it does not answer while the file says so. Its groups list nobody who was taken out. */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct { const char *name; uid_t uid; } accounts[] = {{"dora", 7011}};
static struct { const char *name; gid_t gid; } groups[] = {{"dir-staff", 7101}, {"dir-denied", 7102}};

/* The word that follows a key in the file, or nothing. */
static int says(const char *key, char *value)
{
    char line[200], found[100];
    FILE *file = fopen(STATE, "re");
    value[0] = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%99s %99s", found, value) == 2 && strcmp(found, key) == 0) {
            fclose(file);
            return 1;
        }
    value[0] = 0;
    if (file)
        fclose(file);
    return 0;
}

static enum nss_status state(int *error)
{
    char word[100];
    while (says("is", word) && strcmp(word, "slow") == 0)
        usleep(20000);
    if (strcmp(word, "down") == 0) {
        *error = ECONNREFUSED;
        return NSS_STATUS_UNAVAIL;
    }
    return strcmp(word, "masked") == 0 ? NSS_STATUS_NOTFOUND : NSS_STATUS_SUCCESS;
}

static int lists(const char *members, const char *name)
{
    char copy[100], *rest = copy;
    snprintf(copy, sizeof copy, "%s", members);
    for (char *one; (one = strsep(&rest, ",")) != NULL;)
        if (strcmp(one, name) == 0)
            return 1;
    return 0;
}

static enum nss_status account(int i, struct passwd *entry)
{
    char gone[100];
    if (says("gone", gone) && strcmp(gone, accounts[i].name) == 0)
        return NSS_STATUS_NOTFOUND;
    entry->pw_name = (char *)accounts[i].name;
    entry->pw_passwd = (char *)"*";
    entry->pw_uid = accounts[i].uid;
    entry->pw_gid = 100;
    entry->pw_gecos = (char *)"";
    entry->pw_dir = (char *)"/";
    entry->pw_shell = (char *)"/bin/sh";
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_hesiod_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    for (int i = 0; now == NSS_STATUS_SUCCESS && i < 1; i++)
        if (strcmp(name, accounts[i].name) == 0)
            return account(i, entry);
    return now == NSS_STATUS_SUCCESS ? NSS_STATUS_NOTFOUND : now;
}

enum nss_status _nss_hesiod_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    for (int i = 0; now == NSS_STATUS_SUCCESS && i < 1; i++)
        if (uid == accounts[i].uid)
            return account(i, entry);
    return now == NSS_STATUS_SUCCESS ? NSS_STATUS_NOTFOUND : now;
}

static enum nss_status group(int i, struct group *entry, char *buffer, size_t size, int *error)
{
    char members[100], *rest;
    size_t count = 0;
    char **list = (char **)(((size_t)buffer + 15) & ~(size_t)15);
    if (size < 512) {
        *error = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    rest = (char *)list + 200;
    says(groups[i].name, members);
    strcpy(rest, members);
    for (char *one; (one = strsep(&rest, ",")) != NULL;)
        if (*one)
            list[count++] = one;
    list[count] = NULL;
    entry->gr_name = (char *)groups[i].name;
    entry->gr_passwd = (char *)"x";
    entry->gr_gid = groups[i].gid;
    entry->gr_mem = list;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_hesiod_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    for (int i = 0; now == NSS_STATUS_SUCCESS && i < 2; i++)
        if (strcmp(name, groups[i].name) == 0)
            return group(i, entry, buffer, size, error);
    return now == NSS_STATUS_SUCCESS ? NSS_STATUS_NOTFOUND : now;
}

enum nss_status _nss_hesiod_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    for (int i = 0; now == NSS_STATUS_SUCCESS && i < 2; i++)
        if (gid == groups[i].gid)
            return group(i, entry, buffer, size, error);
    return now == NSS_STATUS_SUCCESS ? NSS_STATUS_NOTFOUND : now;
}

enum nss_status _nss_hesiod_initgroups_dyn(const char *user, gid_t primary, long *start, long *size, gid_t **ids, long limit, int *error)
{
    char members[100];
    enum nss_status now = state(error);
    for (int i = 0; now == NSS_STATUS_SUCCESS && i < 2; i++)
        if (says(groups[i].name, members) && lists(members, user) && *start < *size)
            (*ids)[(*start)++] = groups[i].gid;
    return now;
}
