using System.Diagnostics;
using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>What a daemon costs that has been used for years: its start, its memory, and its processor time for each call.</summary>
internal static class GrowthTimes
{
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
        await FilledDatabase.Write(
            Path.Combine(directory, "data/certauthority.db"), Number(history), Number(users), Number(roles), Number(nodes), Number(live));
        var size = new FileInfo(Path.Combine(directory, "data/certauthority.db")).Length;
        await using var daemon = await RunningDaemon.Start(program, directory);
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

    private static IEnumerable<(string Name, Func<int, Task> Call)> Calls(RunningDaemon daemon, string key)
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
        yield return ("audit ls, of the last hour", n => ask.Send(Routes.ListAudit, new ListAudit(Since: "1h", Limit: 20)));
        yield return ("status", n => ask.Send(Routes.GetStatus, new GetStatus()));
        yield return ("access explain", n => ask.Send(Routes.ExplainAccess, new ExplainAccess("u1")));
        yield return ("access who", n => ask.Send(Routes.ListEntrants, new ListEntrants("n1")));
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
            (await ask.Send(Routes.CreateRequest, new CreateRequest(Roles: ["dba"], User: $"u{(n % FilledDatabase.Own) + 1}", Reason: "performing DB migration tonight", Force: true))).Metadata.Name;

        Task Apply(string text) => ask.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(text), "bench.yaml", Force: true));
    }
}
