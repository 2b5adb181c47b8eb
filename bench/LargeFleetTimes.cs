using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>
/// What a fleet of tens of thousands of hosts costs the daemon: its start, its list and files, logins, and changes. Hosts are in teams of a
/// hundred, and each user has the roles of some teams.
/// </summary>
internal static class LargeFleetTimes
{
    private const int HostsOfATeam = 100;
    private const int TeamsOfAUser = 3;

    /// <summary>The caller owns that many users, from u1 on, with roles of the first teams. The others belong to accounts that nobody has.</summary>
    private const int Own = 10;

    /// <summary>Fills a new database, starts the daemon on it, and prints a line for each thing that it does.</summary>
    /// <param name="args">
    /// The program of the daemon, an empty directory, a public key, and the numbers of hosts, users, roles, live certificates and revoked
    /// certificates that have not ended.
    /// </param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var program, var directory, var key, .. { Length: 5 } sizes])
        {
            await Console.Error.WriteLineAsync("usage: large-fleet PROGRAM DIRECTORY KEY HOSTS USERS ROLES LIVE REVOKED");
            return 2;
        }
        var site = new Site(Number(sizes[0]), Number(sizes[1]), Number(sizes[2]), Number(sizes[3]), Number(sizes[4]));
        Directory.CreateDirectory(Path.Combine(directory, "data"), (UnixFileMode)0b111_000_000);
        await File.WriteAllTextAsync(
            Path.Combine(directory, "certauthority.yaml"),
            $"publish_dir: {directory}/hosts\nlimits: {{live_certificates: 10000}}\n");
        var file = Path.Combine(directory, "data/certauthority.db");
        // It makes the keys that certificates name, and records them.
        await (await RunningDaemon.Start(program, directory)).DisposeAsync();
        await site.Write(file);
        Row("database, MB", new FileInfo(file).Length / 1e6);
        await using (var daemon = await Started())
        {
            await Certify(daemon, site.Hosts);
            await Each(daemon, "login for all hosts", n => daemon.Login(key, n));
            await Each(daemon, "login for one host", n => daemon.Client.Send(Routes.Login, new Login(key, User: $"u{(n % Own) + 1}", Node: site.HostOf(n % Own))));
            await Each(daemon, "access explain, one host", n => daemon.Client.Send(Routes.ExplainAccess, new ExplainAccess("u1", Node: site.HostOf(0))));
            await Each(daemon, "access who, one host", n => daemon.Client.Send(Routes.ListEntrants, new ListEntrants("n0")));
            await Each(daemon, "nodes ls, 20", n => daemon.Client.Send(Routes.ListNodes, new ListNodes(Limit: 20)));
            await Each(daemon, "status", n => daemon.Client.Send(Routes.GetStatus, new GetStatus()));
            await Each(daemon, "revoke one serial", n => daemon.Client.Send(Routes.RevokeCertificates, new RevokeCertificates(Serials: [$"{n + 1}"])));
            Row("list, kB", (await daemon.Client.Send(Routes.GetKrl, new GetKrl())).Krl.Length / 1e3);
            var (lists, seconds) = await ListsOf(daemon);
            Row("lists made, each in ms", seconds * 1000 / lists);
            // Those who log in have none of these teams.
            var team = site.Teams - 15;
            Console.WriteLine("the change\tms\tms of processor\tslowest login beside it, ms\trevoked");
            await Change(daemon, "a host is added to a team", Site.Host(site.Hosts, $"t{team}"));
            await Change(daemon, "a host leaves a team", Site.Host(team, "none"));
            await Change(daemon, "1000 hosts move from ten teams to an eleventh", string.Join("---\n", site.OfTeams(team + 1, 10).Select(n => Site.Host(n, $"t{team + 11}"))));
            await Change(daemon, "a team's role loses its login", Site.Role(team + 12, "other"));
            await Change(daemon, "a host is locked", $"{{kind: lock, version: v2, metadata: {{name: l}}, spec: {{target: {{node: n{team + 13}}}}}}}");
            await daemon.Idle();
            Row("memory at the end, MB", daemon.Memory / 1e6);
        }
        await using var again = await Started();
        return 0;

        async Task<RunningDaemon> Started()
        {
            var daemon = await RunningDaemon.Start(program, directory);
            Row("ready after, s", daemon.Ready.TotalSeconds);
            var ready = daemon.Processor;
            Row("processor time until then, s", ready.TotalSeconds);
            await daemon.Idle();
            Row("processor time afterwards in the background, s", (daemon.Processor - ready).TotalSeconds);
            Row("memory, MB", daemon.Memory / 1e6);
            return daemon;
        }

        async Task Change(RunningDaemon daemon, string what, string resources)
        {
            using var stop = new CancellationTokenSource();
            var logins = Task.Run(() => daemon.SlowestLogin(key, stop.Token));
            await Task.Delay(500);
            var (watch, before) = (Stopwatch.StartNew(), daemon.Processor);
            var applied = await daemon.Client.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(resources), "bench.yaml", Force: true));
            var (took, used) = (watch.Elapsed, daemon.Processor - before);
            await stop.CancelAsync();
            var beside = await logins;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what}\t{took.TotalMilliseconds:0}\t{used.TotalMilliseconds:0}\t{beside.TotalMilliseconds:0}\t{applied.Revoked.Length}"));
        }
    }

    /// <summary>Has the certificates of all hosts signed, and waits until they are published.</summary>
    private static async Task Certify(RunningDaemon daemon, int hosts)
    {
        var point = new byte[32];
        RandomNumberGenerator.Fill(point);
        var hostKey = new Ed25519PublicKey(point).ToLine("");
        var (watch, before) = (Stopwatch.StartNew(), daemon.Processor);
        await Parallel.ForAsync(0, hosts, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (n, stop) =>
            await daemon.Client.Send(Routes.CertifyHost, new CertifyHost($"n{n}", hostKey), stop));
        Row("certificates of all hosts, s", watch.Elapsed.TotalSeconds);
        await daemon.Idle();
        Row("processor time for one host certificate and its file, ms", (daemon.Processor - before).TotalMilliseconds / hosts);
    }

    /// <summary>How many lists the daemon has made, checked and published, and how long that took together.</summary>
    private static async Task<(double Lists, double Seconds)> ListsOf(RunningDaemon daemon)
    {
        var metrics = new MemoryStream();
        await daemon.Client.Download(Routes.GetMetrics, new GetMetrics(), (bytes, _) => bytes.CopyToAsync(metrics));
        var text = Encoding.UTF8.GetString(metrics.ToArray()).Split('\n');
        return (Value("_count "), Value("_sum "));

        double Value(string suffix) => double.Parse(
            text.First(line => line.StartsWith($"certauthority_revocation_list_publish_seconds{suffix}", StringComparison.Ordinal)).Split(' ')[1],
            CultureInfo.InvariantCulture);
    }

    private static async Task Each(RunningDaemon daemon, string what, Func<int, Task> call)
    {
        await call(0);
        var (from, watch, n) = (daemon.Processor, Stopwatch.StartNew(), 0);
        while (n == 0 || (n < 200 && watch.Elapsed < TimeSpan.FromSeconds(5)))
            await call(++n);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}, ms\t{watch.Elapsed.TotalMilliseconds / n:0.0}\tof processor\t{(daemon.Processor - from).TotalMilliseconds / n:0.0}"));
    }

    private static void Row(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{value:0.0}"));

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Who and what there is.</summary>
    private sealed record Site(int Hosts, int Users, int Roles, int Live, int Revoked)
    {
        public int Teams => Math.Max(1, Hosts / HostsOfATeam);

        /// <summary>A host that a user may enter.</summary>
        public string HostOf(int user) => $"n{TeamsOf(user).First()}";

        /// <summary>The hosts of some teams.</summary>
        public IEnumerable<int> OfTeams(int first, int count) =>
            Enumerable.Range(0, HostsOfATeam).SelectMany(n => Enumerable.Range(first, count).Select(team => team + (n * Teams)));

        public static string Host(int n, string team) =>
            $"{{kind: node, version: v2, metadata: {{name: n{n}, labels: {{team: {team}, env: prod}}}}, spec: {{addr: n{n}.example.com}}}}\n";

        public static string Role(int team, string login) =>
            $"{{kind: role, version: v8, metadata: {{name: team-{team}}}, spec: {{allow: {{logins: [{login}], node_labels: {{team: t{team}}}}}}}}}";

        /// <summary>Writes everything by the functions by which the daemon writes it; certificates are what the policy grants.</summary>
        public async Task Write(string path)
        {
            await using var database = TestStore.Open(path);
            var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
            await Each(Roles, (transaction, n) => RoleRow.Table.Put(transaction, RoleRow.Table.Read(
                n < Teams
                    ? $$$"""{"version":"v8","allow":{"logins":["deploy"],"node_labels":{"team":["t{{{n}}}"] } } }"""
                    : $$$"""{"version":"v8","allow":{"logins":["x"],"node_labels":{"app":["a{{{n}}}"] } } }""",
                $"team-{n}") with
            { Id = Guid.NewGuid(), Revision = 1 }));
            await Each(Hosts, (transaction, n) => NodeRow.Table.Put(transaction, NodeRow.Table.Read(
                $$$"""{"address":"n{{{n}}}.example.com:22","labels":{"team":"t{{{n % Teams}}}","env":"prod"} }""", $"n{n}") with
            { Id = Guid.NewGuid(), Revision = 1 }));
            var people = Enumerable.Range(0, Users).Select(n => new User(
                Guid.NewGuid(), $"u{n + 1}", 1, [.. TeamsOf(n).Select(team => $"team-{team}")],
                [n < Own ? UnixUser.TryParse("0")!.Value : UnixUser.Account($"u{n + 1}")],
                ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty)).ToArray();
            await Each(Users, (transaction, n) => UserRow.Table.Put(transaction, people[n]));
            // Three teams are more hosts than a certificate names, so it names the groups; every host has confirmed them.
            var groups = Enumerable.Range(0, Teams).Select(
                team => NodeGroupRow.Table.Read($$$"""{"node_labels":{"team":["t{{{team}}}"]},"token":"{{{NodeGroupRow.NewToken($"team-{team}")}}}"}""", $"team-{team}") with
                {
                    Id = Guid.NewGuid(),
                    Revision = 1,
                }).ToArray();
            await Each(Teams, (transaction, team) => NodeGroupRow.Table.Put(transaction, groups[team]));
            await database.Commit(transaction =>
            {
                var members = transaction.Policy().Nodes.Values.ToLookup(node => node.Labels["team"]);
                for (var team = 0; team < Teams; team++)
                    transaction.SetMembers(groups[team], members[$"t{team}"]);
                transaction.Execute("UPDATE node_group_members SET confirmed = 1");
                return true;
            });
            var signer = database.Read(snapshot => snapshot.CaKeys(CaPurpose.User)).Single().Id;
            var body = new byte[520];
            RandomNumberGenerator.Fill(body);
            // Every other one of the first is revoked, as when many leave within a day.
            await Each(Live + Revoked, (transaction, n) =>
            {
                var certificate = Certificate(n);
                transaction.InsertCertificate(certificate, body);
                if (n % 2 == 0 && n < 2 * Revoked)
                    transaction.MarkRevoked(certificate, certificate.Issued);
            });

            RecordedCertificate Certificate(int n)
            {
                var (user, at) = (n % Users, now.AddMinutes(-n % 60));
                return new RecordedCertificate
                {
                    Serial = (ulong)n + 1,
                    UserId = people[user].Id,
                    UserName = people[user].Name,
                    Caller = new UnixIdentity(5001, people[user].Name),
                    KeyId = people[user].Name,
                    Roles = [.. TeamsOf(user).Select(team => new PinnedRole(Guid.NewGuid(), $"team-{team}", 1))],
                    Requests = [],
                    Principals = [.. TeamsOf(user).Select(team => $"deploy@={groups[team].Token}")],
                    Issued = at,
                    ValidAfter = at.AddMinutes(-1),
                    ValidBefore = at.AddHours(8),
                    LimitedBy = "limits.certificate",
                    Permissions = SessionPermissions.Plain,
                    Revoked = null,
                    Session = (ulong)n + 1,
                    CaKeyId = signer,
                };
            }

            async Task Each(int count, Action<Transaction, int> write)
            {
                foreach (var chunk in Enumerable.Range(0, count).Chunk(1000))
                    await database.Commit(transaction =>
                    {
                        foreach (var n in chunk)
                            write(transaction, n);
                        return true;
                    });
            }
        }

        private IEnumerable<int> TeamsOf(int user) => Enumerable.Range(0, TeamsOfAUser).Select(n => ((user * 7) + (n * 13)) % Teams);
    }
}
