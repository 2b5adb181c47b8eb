/* A name service that answers as a directory does: its accounts carry a domain, also for those who ask for the short name. For one uid it never answers. */
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const struct { const char *name, *alias; uid_t uid; } accounts[] = {
    {"adam@corp.example.com", "adam", 7001},
    {"4d-print", NULL, 7002},
};

static enum nss_status fill(int i, struct passwd *entry)
{
    entry->pw_name = (char *)accounts[i].name;
    entry->pw_passwd = (char *)"*";
    entry->pw_uid = entry->pw_gid = accounts[i].uid;
    entry->pw_gecos = (char *)"";
    entry->pw_dir = (char *)"/";
    entry->pw_shell = (char *)"/bin/sh";
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_hesiod_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *error)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(name, accounts[i].name) == 0 || (accounts[i].alias && strcmp(name, accounts[i].alias) == 0))
            return fill(i, entry);
    return NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_hesiod_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
    while (uid == 7003)
        pause();
    for (int i = 0; i < 2; i++)
        if (uid == accounts[i].uid)
            return fill(i, entry);
    return NSS_STATUS_NOTFOUND;
}
