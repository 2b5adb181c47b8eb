using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Bench;

/// <summary>What a daemon costs that has been used for years: its start, its memory, and its processor time for each call.</summary>
internal static class GrowthTimes
{
    // The caller owns these users. The others belong to accounts that nobody has.
    private const int Own = 10;

    private static readonly TimeSpan Enough = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>Fills a new database, starts the daemon on it, and prints what the start and each call cost.</summary>
    /// <param name="args">
    /// The program of the daemon, an empty directory, a public key, and how many there are of: ended requests, certificates and audit
    /// entries each, users, roles, nodes, live certificates.
    /// </param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var program, var directory, var key, var history, var users, var roles, var nodes, var live])
        {
            Console.Error.WriteLine("usage: growth PROGRAM DIRECTORY KEY HISTORY USERS ROLES NODES LIVE");
            return 2;
        }
        Directory.CreateDirectory(Path.Combine(directory, "data"), (UnixFileMode)0b111_000_000);
        await File.WriteAllTextAsync(Path.Combine(directory, "certauthority.yaml"), "limits: {live_certificates: 10000}\n");
        await Fill(Path.Combine(directory, "data/certauthority.db"), Number(history), Number(users), Number(roles), Number(nodes));
        if (Number(live) > 0)
            await using (var first = await Running.Start(program, directory))
            {
                await first.Idle();
                for (var n = 0; n < Number(live); n++)
                    await first.Login(key, n);
            }
        var size = new FileInfo(Path.Combine(directory, "data/certauthority.db")).Length;
        await using var daemon = await Running.Start(program, directory);
        var atStart = daemon.Memory;
        var before = daemon.Processor;
        await daemon.Idle();
        Row("database, MB", size / 1e6);
        Row("ready after, s", daemon.Ready.TotalSeconds);
        Row("processor time until then, s", before.TotalSeconds);
        Row("processor time afterwards in the background, s", (daemon.Processor - before).TotalSeconds);
        Row("memory when ready, MB", atStart / 1e6);
        Row("memory after that, MB", daemon.Memory / 1e6);
        Console.WriteLine("milliseconds of the daemon's processor time for each call:");
        foreach (var (name, call) in Calls(daemon, key))
        {
            await call(0);
            var (from, watch, n) = (daemon.Processor, Stopwatch.StartNew(), 0);
            while (n == 0 || (n < 200 && daemon.Processor - from < Enough && watch.Elapsed < Longest))
                await call(++n);
            Row(name, (daemon.Processor - from).TotalMilliseconds / n);
        }
        Row("memory at the end, MB", daemon.Memory / 1e6);
        return 0;
    }

    private static void Row(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{value:0.0}"));

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static IEnumerable<(string Name, Func<int, Task> Call)> Calls(Running daemon, string key)
    {
        var serials = new Queue<string>();
        var approved = new Queue<string>();
        var ask = daemon.Client;
        var run = Guid.NewGuid().ToString()[..8];
        yield return ("login", async n => serials.Enqueue((await daemon.Login(key, n)).Info!.Serial));
        yield return ("request create, deny", async n => await ask.Send(Routes.DenyRequest, new DenyRequest(await Asked(n))));
        yield return ("request create, approve", async n =>
        {
            var id = await Asked(n);
            await ask.Send(Routes.ApproveRequest, new ApproveRequest(id));
            approved.Enqueue(id);
        }
        );
        yield return ("request show", n => ask.Send(Routes.GetRequest, new GetRequest(approved.Peek())));
        yield return ("request deny after approval", async n =>
            await ask.Send(Routes.DenyRequest, new DenyRequest(approved.Count > 1 ? approved.Dequeue() : await Asked(n))));
        yield return ("requests ls, 20", n => ask.Send(Routes.ListRequests, new ListRequests(Limit: 20)));
        yield return ("requests ls, 20 pending", n => ask.Send(Routes.ListRequests, new ListRequests(State: "pending", Limit: 20)));
        yield return ("requests ls, of an absent role", n => ask.Send(Routes.ListRequests, new ListRequests(Role: "absent", Limit: 20)));
        yield return ("requests ls, a page of 1000", n => ask.Send(Routes.ListRequests, new ListRequests()));
        yield return ("my requests, 20", n => ask.Send(Routes.ListMyRequests, new ListMyRequests(User: "u1", Limit: 20)));
        yield return ("certs ls, 20", n => ask.Send(Routes.ListCertificates, new ListCertificates(Limit: 20)));
        yield return ("certs ls, revoked", n => ask.Send(Routes.ListCertificates, new ListCertificates(State: "revoked", Limit: 20)));
        yield return ("certs ls, of an absent user", n => ask.Send(Routes.ListCertificates, new ListCertificates(User: "absent", Limit: 20)));
        yield return ("audit ls, 20", n => ask.Send(Routes.ListAudit, new ListAudit(Limit: 20)));
        yield return ("audit ls, of an absent user", n => ask.Send(Routes.ListAudit, new ListAudit(User: "absent", Limit: 20)));
        yield return ("audit ls, of the last hour", n => ask.Send(Routes.ListAudit, new ListAudit(Since: TimeProvider.System.GetUtcNow().AddHours(-1), Limit: 20)));
        yield return ("status", n => ask.Send(Routes.GetStatus, new GetStatus()));
        yield return ("access explain", n => ask.Send(Routes.ExplainAccess, new ExplainAccess("u1")));
        yield return ("nodes ls", n => ask.Send(Routes.ListNodes, new ListNodes()));
        yield return ("get user", n => ask.Send(Routes.GetResources, new GetResources("user", "u1")));
        yield return ("KRL", n => ask.Send(Routes.GetKrl, new GetKrl()));
        yield return ("node create", n => Apply($"{{kind: node, version: v2, metadata: {{name: new{run}-{n}}}, spec: {{addr: new.example.com}}}}"));
        yield return ("role edit", n => Apply($"{{kind: role, version: v8, metadata: {{name: r1, description: '{run}-{n}'}}, spec: {{allow: {{logins: [r1x{n}], node_labels: {{env: r1}}}}}}}}"));
        yield return ("user create", n => Apply($"{{kind: user, version: v2, metadata: {{name: new{run}-{n}}}, spec: {{roles: [web]}}}}"));
        yield return ("users update", n => ask.Send(Routes.UpdateUser, new UpdateUser("u20", Logins: [$"x{n}"])));
        yield return ("revoke one serial", n => serials.TryDequeue(out var serial)
            ? ask.Send(Routes.RevokeCertificates, new RevokeCertificates(Serials: [serial]))
            : Task.CompletedTask);

        async Task<string> Asked(int n) =>
            (await ask.Send(Routes.CreateRequest, new CreateRequest(Roles: ["dba"], User: $"u{(n % Own) + 1}", Reason: "performing DB migration tonight", Force: true))).Metadata.Name;

        Task Apply(string text) => ask.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(text), "bench.yaml", Force: true));
    }

    /// <summary>Writes everything by the functions by which the daemon writes it; what has ended is spread over two years.</summary>
    private static async Task Fill(string path, int history, int users, int roles, int nodes)
    {
        await using var database = Database.Open(path, NullLogger.Instance);
        var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        await Each(roles, 100, (transaction, n) => RoleRow.Table.Put(transaction, RoleRow.Table.Read(n switch
        {
            0 => """{"version":"v8","allow":{"logins":["deploy"],"node_labels":{"type":["web"]},"request_roles":["dba"]}}""",
            1 => """{"version":"v8","allow":{"logins":["postgres"],"node_labels":{"*":["*"]}}}""",
            _ => $$$"""{"version":"v8","allow":{"logins":["r{{{n - 1}}}x"],"node_labels":{"env":["r{{{n - 1}}}"]} } }""",
        }, n switch { 0 => "web", 1 => "dba", _ => $"r{n - 1}" }) with
        { Id = Guid.NewGuid(), Revision = 1 }));
        await Each(nodes, 100, (transaction, n) => NodeRow.Table.Put(
            transaction, NodeRow.Table.Read($$$"""{"address":"n{{{n}}}.example.com:22","labels":{"type":"{{{(n < 10 ? "web" : "other")}}}","env":"r{{{n % 50}}}"}}""", $"n{n}")
                with
            { Id = Guid.NewGuid(), Revision = 1 }));
        var people = Enumerable.Range(1, users).Select(n => new User(
            Guid.NewGuid(), $"u{n}", 1, ["web"], [n <= Own ? UnixUser.TryParse("0")!.Value : UnixUser.Account($"u{n}")],
            ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty)).ToArray();
        await Each(users, 500, (transaction, n) => UserRow.Table.Put(transaction, people[n]));
        var step = TimeSpan.FromDays(730) / Math.Max(history, 1);
        var first = now.AddDays(-733);
        var body = new byte[520];
        RandomNumberGenerator.Fill(body);
        await Each(history, 2000, (transaction, n) =>
        {
            var (at, user) = (first + (n * step), people[n % people.Length]);
            var request = Request(user, at, n);
            transaction.InsertRequest(request);
            if (n % 2 == 0)
                transaction.InsertReview(request, 1, new Review(people[(n + 1) % people.Length].Id, "reviewer", [5002], ReviewDecision.Approve, ["dba"], "fine", at));
            transaction.InsertCertificate(Certificate((ulong)n + 1, user, request, at), body);
            transaction.Audit(new AuditEntry { Time = at, Event = "certificate.issued", User = user.Name, Requests = [request.Id.ToString()], Serial = $"{n + 1}", Reason = "performing DB migration tonight" });
        });

        async Task Each(int count, int together, Action<Transaction, int> write)
        {
            foreach (var chunk in Enumerable.Range(0, count).Chunk(together))
                await database.Commit(transaction =>
                {
                    foreach (var n in chunk)
                        write(transaction, n);
                    return true;
                });
        }
    }

    // Of ten, four were approved and are over, two were never answered, four were denied.
    private static AccessRequest Request(User user, DateTimeOffset at, int n) => new()
    {
        Id = Guid.NewGuid(),
        Revision = 1,
        UserId = user.Id,
        UserName = user.Name,
        CreatorUid = 5001,
        Roles = [new PinnedRole(Guid.NewGuid(), "dba", 1)],
        GrantedRoles = n % 10 < 4 ? [new PinnedRole(Guid.NewGuid(), "dba", 1)] : [],
        StoredState = (n % 10) switch { < 4 => RequestState.Approved, < 6 => RequestState.Pending, _ => RequestState.Denied },
        Created = at,
        PendingUntil = at.AddHours(1),
        AccessUntil = at.AddHours(1),
        Reason = "performing DB migration tonight",
        SuggestedReviewers = [],
        Resolution = null,
        Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Creation, SessionTtl: null, AssumeFrom: null, Shortened: []),
    };

    private static RecordedCertificate Certificate(ulong serial, User user, AccessRequest request, DateTimeOffset at) => new()
    {
        Serial = serial,
        UserId = user.Id,
        UserName = user.Name,
        Caller = new UnixIdentity(5001, user.Name),
        KeyId = $"{user.Name}:{request.Id}",
        Roles = [request.Roles[0], new PinnedRole(Guid.NewGuid(), "web", 1)],
        Requests = [request.Id.ToString()],
        Principals = ["postgres", .. Enumerable.Range(0, 10).Select(n => $"deploy@n{n}")],
        Issued = at,
        ValidAfter = at.AddMinutes(-1),
        ValidBefore = at.AddHours(1),
        LimitedBy = "role dba",
        Permissions = SessionPermissions.Plain,
        Revoked = null,
        Session = serial,
    };

    /// <summary>A daemon of its own, and a client of it.</summary>
    private sealed class Running : IAsyncDisposable
    {
        private readonly Process process;

        private Running(Process process, CaClient client) => (this.process, Client) = (process, client);

        public CaClient Client { get; }

        public TimeSpan Ready { get; private set; }

        /// <summary>Memory in use, in bytes.</summary>
        public long Memory
        {
            get
            {
                process.Refresh();
                return process.WorkingSet64;
            }
        }

        /// <summary>The processor time so far, utime and stime of /proc/PID/stat.</summary>
        public TimeSpan Processor
        {
            get
            {
                process.Refresh();
                return process.TotalProcessorTime;
            }
        }

        public static async Task<Running> Start(string program, string directory)
        {
            var watch = Stopwatch.StartNew();
            var process = Process.Start(new ProcessStartInfo(
                program, [$"--config={directory}/certauthority.yaml", $"--data-dir={directory}/data", $"--socket={directory}/ca.sock"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var log = new StringBuilder();
            process.ErrorDataReceived += (_, line) => log.AppendLine(line.Data);
            process.BeginErrorReadLine();
            while (await process.StandardOutput.ReadLineAsync() is { } line)
                if (line.StartsWith("ready:", StringComparison.Ordinal))
                {
                    var ready = watch.Elapsed;
                    // Whatever it prints later must not fill the pipe.
                    _ = process.StandardOutput.ReadToEndAsync();
                    return new Running(process, new CaClient(ServerAddress.TryParse($"unix:{directory}/ca.sock")!, _ => true, TimeSpan.FromMinutes(10))) { Ready = ready };
                }
            throw new InvalidOperationException($"the daemon did not start: {log}");
        }

        /// <summary>Waits until the daemon has done what it does in the background after a start.</summary>
        public async Task Idle()
        {
            for (var (last, quiet) = (TimeSpan.Zero, 0); quiet < 3;)
            {
                await Task.Delay(1000);
                var used = Processor;
                quiet = (used - last).TotalMilliseconds <= 20 ? quiet + 1 : 0;
                last = used;
            }
        }

        public Task<LoggedIn> Login(string key, int n) => Client.Send(Routes.Login, new Login(key, User: $"u{(n % Own) + 1}"));

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
