using CertAuthority.Access.Values;
using CertAuthority.Configuration;
using CertAuthority.Keys;

namespace CertAuthority.Tests.Unit.Configuration;

public sealed class ConfigurationFileTests : IDisposable
{
    private static readonly Settings Defaults = new("/default/data", "/default/ca.sock", NamedAccounts.Nobody, SiteLimits.Default);

    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("everything", "data_dir: /srv/ca\nsocket: /run/ca.sock\nadmins: {users: [bob, carol]}\n", "/srv/ca", "/run/ca.sock", "bob carol")]
    [InlineData("nothing", "", "/default/data", "/default/ca.sock", "")]
    [InlineData("comments", "# data_dir: /srv/ca\n", "/default/data", "/default/ca.sock", "")]
    [InlineData("a part", "socket: /run/ca.sock\n", "/default/data", "/run/ca.sock", "")]
    [InlineData("fields without values", "data_dir:\nadmins:\n", "/default/data", "/default/ca.sock", "")]
    [InlineData("JSON", "{\"data_dir\": \"/srv/ca\"}", "/srv/ca", "/default/ca.sock", "")]
    public void Values_in_the_file_override_the_defaults(string what, string text, string data, string socket, string administrators)
    {
        var settings = Read(text);
        Assert.True((data, socket) == (settings.DataDirectory, settings.SocketPath), what);
        Assert.Equal(administrators, string.Join(' ', settings.Administrators.Users.Order(StringComparer.Ordinal)));
        Assert.Equal(SiteLimits.Default, settings.Limits);
    }

    [Theory]
    [InlineData("all of them", "limits: {certificate: 8h, pending_requests: 5, live_certificates: 20, logins_per_minute: 3, requests_per_minute: 7, requests_per_day: 8}\n", "8h 5 20 3 7 8")]
    [InlineData("one of them", "limits: {live_certificates: 10000}\n", "30h 25 10000 10 30 300")]
    [InlineData("the longest and the least", "limits: {certificate: 30h, pending_requests: 1, live_certificates: 1, logins_per_minute: 1, requests_per_minute: 1, requests_per_day: 1}\n", "30h 1 1 1 1 1")]
    [InlineData("none of them", "limits:\n", "30h 25 50 10 30 300")]
    public void Site_limits_come_from_the_file(string what, string text, string read)
    {
        var limits = Read(text).Limits;
        Assert.True(
            read == $"{Durations.Show(limits.Certificate)} {limits.PendingRequestsPerUser} {limits.LiveCertificatesPerUser} {limits.LoginsPerMinute} {limits.RequestsPerMinute} {limits.RequestsPerDay}", what);
        Assert.Equal(SiteLimits.Default.PendingRequest, limits.PendingRequest);
    }

    [Fact]
    public void Every_invalid_limit_is_reported_with_its_place() =>
        Assert.Equal(
            [
                "2:16: limits.certificate takes a duration from 1s to 30h",
                "3:21: limits.pending_requests takes a number from 1 to 1000",
                "4:22: limits.live_certificates takes a number from 1 to 10000",
                "5:22: limits.logins_per_minute takes a number from 1 to 1000",
                "6:24: limits.requests_per_minute takes a number from 1 to 1000",
                "7:21: limits.requests_per_day takes a number from 1 to 10000",
                "8:3: limits has no field \"sessions\"",
            ],
            Assert.Throws<ConfigurationException>(() => Read(
                "limits:\n  certificate: 31h\n  pending_requests: 0\n  live_certificates: many\n  logins_per_minute: -1\n  requests_per_minute: 0\n  requests_per_day: 10001\n  sessions: 3\n"))
                .Faults.Select(fault => fault[(folder.File("c.yaml").Length + 1)..]));

    [Theory]
    [InlineData("0")]
    [InlineData("0s")]
    [InlineData("30h1s")]
    [InlineData("30")]
    public void Maximum_certificate_lifetime_can_only_be_lowered(string certificate) =>
        Assert.Contains(":1:23: limits.certificate takes a duration", Assert.Throws<ConfigurationException>(() => Read($"limits: {{certificate: {certificate}}}\n")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", nameof(CaKeyType.Ed25519))]
    [InlineData("new_ca_keys: ed25519", nameof(CaKeyType.Ed25519))]
    [InlineData("new_ca_keys: ecdsa", nameof(CaKeyType.Ecdsa))]
    [InlineData("new_ca_keys: rsa", nameof(CaKeyType.Rsa))]
    public void New_CA_keys_are_of_three_kinds(string text, string type) => Assert.Equal(type, Read(text).NewCaKeys.ToString());

    [Fact]
    public void CA_keys_are_where_the_file_says()
    {
        Assert.Equal((KeyCustody.Default, KeyCustody.Default, KeyCustody.Default), Custodies(""));
        var fingerprint = "SHA256:" + new string('x', 43);
        Assert.Equal(
            (new KeyCustody.InAgent("/run/ca/agent.sock", fingerprint), new KeyCustody.InEncryptedFile("host_ca-passphrase"), KeyCustody.Default),
            Custodies($"user_ca: {{agent: /run/ca/agent.sock, fingerprint: \"{fingerprint}\"}}\nhost_ca: {{credential: host_ca-passphrase}}\nsync_ca:\n"));

        (KeyCustody, KeyCustody, KeyCustody) Custodies(string text) => Read(text) is var read ? (read.UserCa, read.HostCa, read.SyncCa) : default;
    }

    [Theory]
    [InlineData("{agent: /run/a.sock}", ":1:18: user_ca takes agent and fingerprint together: the key that it may use must be named")]
    [InlineData("{fingerprint: 'SHA256:x'}", ":1:24: user_ca takes agent and fingerprint together: the key that it may use must be named")]
    [InlineData("{agent: /run/a.sock, fingerprint: 'MD5:aa'}", ":1:44: user_ca.fingerprint takes a fingerprint as ssh-keygen -l shows it: SHA256:…")]
    [InlineData("{agent: a.sock, fingerprint: 'SHA256:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}", ":1:18: user_ca.agent: takes the absolute path of a socket")]
    [InlineData("{credential: ../x}", ":1:23: user_ca.credential takes the name of a systemd credential, such as user_ca-passphrase")]
    [InlineData("{credential: x, agent: /run/a.sock}", ":1:23: user_ca takes either credential, or agent and fingerprint")]
    [InlineData("{file: /etc/x}", ":1:11: user_ca has no field \"file\"")]
    [InlineData("/etc/x", ":1:10: user_ca takes fields below it")]
    public void Custody_that_means_nothing_is_reported(string text, string fault) =>
        Assert.EndsWith(fault, Assert.Throws<ConfigurationException>(() => Read($"user_ca: {text}\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void Agent_that_others_can_use_is_reported()
    {
        var socket = folder.File("agent.sock", "");
        File.SetUnixFileMode(socket, (UnixFileMode)0b110_110_110);

        Assert.EndsWith(
            $": user_ca.agent: {socket} has mode 0666, so that others can write there; run: chmod go-w {socket}",
            Assert.Throws<ConfigurationException>(() => Read($"user_ca: {{agent: {socket}, fingerprint: 'SHA256:{new string('x', 43)}'}}\n")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Database_is_a_file_or_a_server_and_shows_no_password()
    {
        Assert.Equal(DatabaseSettings.Default, Read("database:\n").Database);
        Assert.Equal(new DatabaseSettings.InFile("/srv/ca.db"), Read("database: 'sqlite:/srv/ca.db'\n").Database);
        var password = folder.File("password", "battery\n");
        File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var settings = Read($"database: 'postgres:host=db1; Database=ca;Username=ca;Port=5433;'\ndatabase_password: {{file: {password}}}\n");
        var server = Assert.IsType<DatabaseSettings.OnServer>(settings.Database);
        Assert.Equal(("battery", "db1", "5433"), (server.Password, server.Options["Host"], server.Options["Port"]));
        Assert.Equal("postgres:db1/ca", $"{server}");
        Assert.DoesNotContain("battery", SettingsSummary.Write(settings).ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("database: ca.db", "database takes sqlite: with an absolute path, or postgres: with Host, Database and Username: \"postgres:Host=db1.example.com;Database=certauthority;Username=certauthority\"")]
    [InlineData("database: 'sqlite:ca.db'", "database takes sqlite: with an absolute path, or postgres: with Host, Database and Username: \"postgres:Host=db1.example.com;Database=certauthority;Username=certauthority\"")]
    [InlineData("database: 'postgres:Host=a;Database=b'", "database: Username is missing")]
    [InlineData("database: 'postgres:Host=a;Host=b'", "database: Host is given twice")]
    [InlineData("database: 'postgres:Host=a,b;Database=c;Username=d'", "database: Host takes one server")]
    [InlineData("database: 'postgres:Host=a;Database=c;Username=d;Port=0'", "database: Port takes a number, 1 to 65535")]
    [InlineData("database: 'postgres:Host='", "database: Host= has no value; it takes NAME=VALUE, with ; between them")]
    [InlineData("database: 'postgres:Host=a;Password=b'", "database must not contain a password, because others may read this file; name a file with it: database_password: {file: PATH}")]
    [InlineData("database: 'postgres:Host=a;Options=-c fsync=off'", "database: Options is not one of Host, Port, Database, Username, Search Path, SSL Mode, Root Certificate, SSL Certificate, SSL Key")]
    [InlineData("database_password: {credential: x}", "database_password is for a database on a server: database: \"postgres:Host=…\"")]
    [InlineData("database: 'postgres:Host=a;Database=c;Username=d'\ndatabase_password: {credential: x, file: /x}", "database_password takes either file or credential")]
    [InlineData("database: 'postgres:Host=a;Database=c;Username=d'\ndatabase_password: {credential: ../x}", "database_password.credential takes the name of a systemd credential, such as database-password")]
    public void Database_that_cannot_be_used_is_reported(string text, string fault) =>
        Assert.EndsWith($": {fault}", Assert.Throws<ConfigurationException>(() => Read($"{text}\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void Push_settings_come_from_the_file_or_keep_their_defaults()
    {
        Assert.Equal(PushSettings.Default, Read("push:\n").Push);
        var file = folder.File("ssh_config", "");
        Assert.Equal(
            new PushSettings(8, TimeSpan.FromSeconds(5), TimeSpan.FromHours(2), file),
            Read($"push: {{parallel: 8, timeout: 5s, stale_after: 2h, ssh_config: {file}}}\n").Push);
        Assert.Equal(
            [
                "2:13: push.parallel takes a number from 1 to 256",
                "3:12: push.timeout takes a duration from 5s to 5m",
                "4:16: push.stale_after takes a duration from 15m to 30d",
                "5:15: push.ssh_config: there is no file /not/here",
                "6:3: push has no field \"hosts\"",
            ],
            Assert.Throws<ConfigurationException>(() => Read("push:\n  parallel: 0\n  timeout: 4s\n  stale_after: 31d\n  ssh_config: /not/here\n  hosts: []\n"))
                .Faults.Select(fault => fault[(folder.File("c.yaml").Length + 1)..]));
        Assert.Contains("push.ssh_config takes an absolute path", Assert.Throws<ConfigurationException>(() => Read("push: {ssh_config: here}\n")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", "", null)]
    [InlineData("none, in a word", "publish_dir:\n", null)]
    [InlineData("one", "publish_dir: /srv/certauthority\n", "/srv/certauthority")]
    [InlineData("one with a slash at its end", "publish_dir: /srv/certauthority/\n", "/srv/certauthority")]
    [InlineData("one with a name that begins like the data directory's", "data_dir: /srv/ca\npublish_dir: /srv/ca-public\n", "/srv/ca-public")]
    [InlineData("one beside the data directory", "data_dir: /srv/ca/data\npublish_dir: /srv/ca/public\n", "/srv/ca/public")]
    public void Publish_directory_is_read(string what, string text, string? read) => Assert.True(read == Read(text).PublishDirectory, what);

    [Theory]
    [InlineData("relative", "publish_dir: public\n", ":1:14: publish_dir takes an absolute path")]
    [InlineData("no path", "publish_dir: \"/srv/\\0\"\n", ":1:14: publish_dir takes an absolute path")]
    [InlineData("two", "publish_dir: [/a, /b]\n", ":1:14: publish_dir takes one value")]
    [InlineData("the data directory", "publish_dir: /srv/ca/\ndata_dir: /srv/ca\n", ":1:14: publish_dir takes a directory apart from data_dir, /srv/ca: neither may be inside the other")]
    [InlineData("inside it", "publish_dir: /srv/ca/public\ndata_dir: /srv/ca\n", ":1:14: publish_dir takes a directory apart from data_dir, /srv/ca: neither may be inside the other")]
    [InlineData("inside it by a detour", "publish_dir: /var/../srv/ca/public\ndata_dir: /srv/ca/\n", ":1:14: publish_dir takes a directory apart from data_dir, /srv/ca/: neither may be inside the other")]
    [InlineData("around it", "publish_dir: /srv\ndata_dir: /srv/ca\n", ":1:14: publish_dir takes a directory apart from data_dir, /srv/ca: neither may be inside the other")]
    [InlineData("around everything", "publish_dir: /\n", ":1:14: publish_dir takes a directory apart from data_dir, /default/data: neither may be inside the other")]
    public void Invalid_publish_directory_is_rejected_with_its_place(string what, string text, string told) =>
        Assert.True(Assert.Single(Assert.Throws<ConfigurationException>(() => Read(text)).Faults).EndsWith(told, StringComparison.Ordinal), what);

    [Fact]
    public void Publish_directory_cannot_expose_the_data_directory_option()
    {
        File.WriteAllText(folder.File("c.yaml"), "data_dir: /srv/ca\npublish_dir: /srv/ca/public\n");
        var settings = ConfigurationFile.Read(folder.File("c.yaml"), Defaults, dataDirectory: "/var/ca");
        Assert.Equal(("/var/ca", "/srv/ca/public"), (settings.DataDirectory, settings.PublishDirectory));
        Assert.Contains("/srv: neither", Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read(folder.File("c.yaml"), Defaults, dataDirectory: "/srv")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Administrators_are_accounts_and_groups()
    {
        var settings = Read("admins: {users: [bob], groups: [wheel, sudo]}\n");
        Assert.Equal(("bob", "sudo wheel"), (Assert.Single(settings.Administrators.Users), string.Join(' ', settings.Administrators.Groups.Order(StringComparer.Ordinal))));
    }

    [Fact]
    public void Readers_have_the_form_of_administrators()
    {
        var settings = Read("auditors: {users: [carol, dora], groups: [audit]}\nmonitors: {users: [prometheus]}\n");
        Assert.Equal("carol dora", string.Join(' ', settings.Auditors.Users.Order(StringComparer.Ordinal)));
        Assert.Equal(("audit", "prometheus"), (Assert.Single(settings.Auditors.Groups), Assert.Single(settings.Monitors.Users)));
        Assert.Empty(settings.Monitors.Groups);
        Assert.Empty(settings.Administrators.Users);
        settings = Read("admins: {users: [bob]}\nauditors:\n");
        Assert.Equal((0, 0), (settings.Auditors.Users.Count, settings.Monitors.Groups.Count));
    }

    [Theory]
    [InlineData("auditors: carol\n", "1:11: auditors takes fields below it")]
    [InlineData("auditors: {groups: {audit: 1}}\n", "1:20: auditors.groups takes a list of texts")]
    [InlineData("auditors: {users: [[carol]]}\n", "1:20: auditors.users takes a list of texts")]
    [InlineData("monitors: {user: prometheus}\n", "1:12: monitors has no field \"user\"")]
    [InlineData("data_dir: /var/lib/certauthority\naudit: {file: /var/lib/certauthority/../certauthority/revoked.krl}\n", "2:15: audit.file takes a file outside of data_dir, /var/lib/certauthority")]
    [InlineData("monitor: {users: [prometheus]}\n", "1:1: there is no field \"monitor\" here")]
    public void Invalid_readers_and_files_are_rejected_with_their_place(string text, string fault) =>
        Assert.Equal(fault, Assert.Single(Assert.Throws<ConfigurationException>(() => Read(text)).Faults)[(folder.File("c.yaml").Length + 1)..]);

    [Fact]
    public void Groups_make_users_with_their_roles()
    {
        var groups = Read("users_from_groups:\n  dba-team: [contractor, access]\n  domain users: access\n").UsersFromGroups;
        Assert.Equal("access contractor", string.Join(' ', groups.Of("bob", ["dba-team"])!.Roles));
        Assert.Equal("access", string.Join(' ', groups.Of("bob", ["domain users"])!.Roles));
        Assert.True(Read("users_from_groups: {}\n").UsersFromGroups.IsEmpty);
        Assert.True(Read("").UsersFromGroups.IsEmpty);
    }

    [Theory]
    [InlineData("a group without roles", "{dba-team: []}", ":1:21: users_from_groups.dba-team takes the names of roles")]
    [InlineData("no name of a role", "{dba-team: [DBA]}", ":1:32: \"DBA\" is not the name of a role")]
    [InlineData("not a list", "{dba-team: {a: b}}", ":1:31: users_from_groups.dba-team takes a list of texts")]
    [InlineData("no groups", "[dba-team]", ":1:20: users_from_groups takes fields below it")]
    public void Groups_without_roles_are_rejected(string what, string text, string told) =>
        Assert.True(Assert.Throws<ConfigurationException>(() => Read($"users_from_groups: {text}\n")).Faults.Any(fault => fault.EndsWith(told, StringComparison.Ordinal)), what);

    [Theory]
    [InlineData("nobody", "", "", "15m 10s 20")]
    [InlineData("nobody, in words", "notify: {command: [], before_end: 1h}\n", "", "1h 10s 20")]
    [InlineData("a program", "notify: {command: /bin/logger}\n", "/bin/logger", "15m 10s 20")]
    [InlineData("a program with arguments", "notify: {command: [/bin/logger, -t, 'a b'], before_end: 90s, timeout: 1m, tries: 3}\n", "/bin/logger|-t|a b", "1m30s 1m 3")]
    public void Notify_command_is_read(string what, string text, string command, string rest)
    {
        var notify = Read(text).Notify;
        Assert.True(
            (command, rest) == (string.Join('|', notify.Command), $"{Durations.Show(notify.BeforeEnd)} {Durations.Show(notify.Timeout)} {notify.Tries}"), what);
    }

    [Fact]
    public void Invalid_notify_command_is_rejected_with_its_place() =>
        Assert.Equal(
            [
                "2:13: notify.command starts with the absolute path of a program",
                "3:15: notify.before_end takes a duration from 1s to 7d",
                "4:12: notify.timeout takes a duration from 1s to 5m",
                "5:10: notify.tries takes a number from 1 to 100",
                "6:3: notify has no field \"shell\"",
            ],
            Assert.Throws<ConfigurationException>(() => Read("notify:\n  command: [logger, -t]\n  before_end: 0s\n  timeout: 6m\n  tries: 0\n  shell: true\n"))
                .Faults.Select(fault => fault[(folder.File("c.yaml").Length + 1)..]));

    [Fact]
    public void All_faults_are_reported_at_once_with_their_places()
    {
        var faults = Assert.Throws<ConfigurationException>(() => Read("data_dir: srv/ca\nsocket: ca.sock\nadmins:\n  groups: {wheel: 1}\n  user: bob\ndata-dir: /srv\n")).Faults;
        Assert.Equal(
            [
                "1:11: data_dir takes an absolute path",
                "2:9: socket takes an absolute path",
                "4:11: admins.groups takes a list of texts",
                "5:3: admins has no field \"user\"",
                "6:1: there is no field \"data-dir\" here",
            ],
            faults.Select(fault => fault[(folder.File("c.yaml").Length + 1)..]));
        Assert.All(faults, fault => Assert.StartsWith(folder.File("c.yaml") + ":", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("twice the same key", "socket: /a\nsocket: /b\n", ":2:1: \"socket\" is given twice")]
    [InlineData("two documents", "socket: /a\n---\nsocket: /b\n", ":3:1: a configuration is one document")]
    [InlineData("a list", "[a]\n", ":1:2: a configuration starts with fields, such as limits:")]
    [InlineData("an empty path", "socket: ''\n", ":1:9: socket takes an absolute path")]
    [InlineData("a path that is too long for a socket", "socket: /folder00/folder01/folder02/folder03/folder04/folder05/folder06/folder07/folder08/folder09/folder10/folder11\n", ":1:9: socket: the path of a socket has at most 107 bytes; this one has 108: /folder00/")]
    [InlineData("a key of no kind", "new_ca_keys: RSA\n", ":1:14: new_ca_keys takes ed25519, ecdsa or rsa")]
    [InlineData("no YAML", "socket: [\n", ": not YAML: ")]
    public void Unusable_file_is_rejected(string what, string text, string told) =>
        Assert.True(Assert.Throws<ConfigurationException>(() => Read(text)).Faults.Any(fault => fault.Contains(told, StringComparison.Ordinal)), what);

    [Fact]
    public void Missing_file_is_named()
    {
        var missing = folder.File("missing.yaml");
        Assert.StartsWith($"{missing}: ", Assert.Single(Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read(missing, Defaults)).Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_of_a_folder_make_one_configuration()
    {
        Part("certauthority.yaml", "socket: /run/main.sock\nadmins: {users: [bob]}\nlimits:\n");
        Part("conf.d/20-limits.yaml", "limits: {certificate: 8h}\n");
        Part("conf.d/10-groups.yaml", "admins: {groups: [wheel]}\nlimits: {pending_requests: 3}\nsocket:\n");
        Part("conf.d/local.yaml", "# nothing yet\n");
        // Neither of these is read: an editor's, and what dpkg leaves beside a file.
        Part("conf.d/.20-limits.yaml", "not read");
        Part("conf.d/local.yaml.dpkg-dist", "not read");

        var settings = ConfigurationFile.Read(Folder, Defaults);

        Assert.Equal(("/run/main.sock", "/default/data"), (settings.SocketPath, settings.DataDirectory));
        Assert.Equal(("bob", "wheel"), (Assert.Single(settings.Administrators.Users), Assert.Single(settings.Administrators.Groups)));
        Assert.Equal((TimeSpan.FromHours(8), 3), (settings.Limits.Certificate, settings.Limits.PendingRequestsPerUser));
    }

    [Fact]
    public void Value_in_two_files_is_rejected_with_both_places()
    {
        Part("certauthority.yaml", "limits:\n  certificate: 8h\nadmins:\n  users: [bob]\n");
        Part("conf.d/a.yaml", "admins: {users: [carol]}\n");
        Part("conf.d/b.yaml", "# ours\nlimits: {certificate: 9h}\npush: 3\n");
        Part("conf.d/c.yaml", "push: {parallel: 4}\n");

        Assert.Equal(
            [
                "conf.d/a.yaml:1:10: admins.users is given twice; FOLDER/certauthority.yaml:4:3 gives it too",
                "conf.d/b.yaml:2:10: limits.certificate is given twice; FOLDER/certauthority.yaml:2:3 gives it too",
                "conf.d/c.yaml:1:1: push is given twice; FOLDER/conf.d/b.yaml:3:1 gives it too",
                "conf.d/b.yaml:3:7: push takes fields below it",
            ],
            FaultsOfFolder());
    }

    [Fact]
    public void Fault_in_a_file_of_a_folder_names_that_file()
    {
        Part("certauthority.yaml", "limits: {certificate: 31h}\n");
        Part("conf.d/a.yaml", "socket: [\n");
        Part("conf.d/b.yaml", "{\"sockets\": \"/x\"}");
        Part("conf.d/c.yaml", "socket: /a\n---\nsocket: /b\n");

        Assert.Equal(
            [
                "conf.d/a.yaml:2:1: not YAML",
                "conf.d/c.yaml:3:1: a configuration is one document",
                "certauthority.yaml:1:23: limits.certificate takes a duration from 1s to 30h",
                "conf.d/b.yaml:1:2: there is no field \"sockets\" here",
            ],
            FaultsOfFolder().Select(fault => fault.Split("YAML:") is [var start, _] ? start + "YAML" : fault));
    }

    [Fact]
    public void Folder_without_files_leaves_the_defaults()
    {
        var settings = ConfigurationFile.Read(Folder, Defaults);
        Assert.Equal((Defaults.DataDirectory, Defaults.SocketPath, Defaults.Limits), (settings.DataDirectory, settings.SocketPath, settings.Limits));
    }

    [Fact]
    public void File_that_ends_in_yml_is_rejected_by_name()
    {
        Part("conf.d/limits.yml", "limits: {certificate: 8h}\n");
        Assert.Equal(["conf.d/limits.yml: only files whose names end in .yaml are read; rename it"], FaultsOfFolder());
    }

    public void Dispose() => folder.Dispose();

    private string Folder => Path.GetDirectoryName(folder.File("c.yaml"))!;

    private IEnumerable<string> FaultsOfFolder() => Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read(Folder, Defaults)).Faults
        .Select(fault => fault[(Folder.Length + 1)..].Replace(Folder, "FOLDER", StringComparison.Ordinal));

    private void Part(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
        File.WriteAllText(folder.File(name), text);
    }

    private Settings Read(string text)
    {
        File.WriteAllText(folder.File("c.yaml"), text);
        return ConfigurationFile.Read(folder.File("c.yaml"), Defaults);
    }
}
