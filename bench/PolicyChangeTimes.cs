using System.Diagnostics;
using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>What changes of the policy cost beside many live certificates, and how long they keep logins waiting.</summary>
internal static class PolicyChangeTimes
{
    /// <summary>Fills a new database, starts the daemon on it, and prints a line for each change.</summary>
    /// <param name="args">The program of the daemon, an empty directory, a public key, and the numbers of users, roles, nodes and live certificates.</param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var program, var directory, var key, var users, var roles, var nodes, var live])
        {
            Console.Error.WriteLine("usage: policy-changes PROGRAM DIRECTORY KEY USERS ROLES NODES LIVE");
            return 2;
        }
        Directory.CreateDirectory(Path.Combine(directory, "data"), (UnixFileMode)0b111_000_000);
        await File.WriteAllTextAsync(Path.Combine(directory, "certauthority.yaml"), "limits: {live_certificates: 10000}\n");
        await FilledDatabase.Write(Path.Combine(directory, "data/certauthority.db"), history: 0, Number(users), Number(roles), Number(nodes), Number(live));
        await using var daemon = await RunningDaemon.Start(program, directory);
        await daemon.Idle();
        for (var n = 20; n < 30; n++)
            await daemon.Client.Send(Routes.UpdateUser, new UpdateUser($"u{n}", Roles: ["web", "r3"]));

        Console.WriteLine("the change\tms\tms of processor\tslowest login beside it, ms\trevoked");
        await Measure("a user is created", "{kind: user, version: v2, metadata: {name: new}, spec: {roles: [web]}}");
        await Measure("a node is created", "{kind: node, version: v2, metadata: {name: new, labels: {type: web}}, spec: {addr: new.example.com}}");
        await Measure("a role that nobody holds is edited", Role("r2", "r2y", "{env: r2}"));
        await Measure("a role that ten users hold loses its login", Role("r3", "r3y", "{env: r3}"));
        await Measure("a role that everybody holds gets another login", Role("web", "deploy, other", "{type: web}"));
        await Measure("a node that everybody can reach gets a label", "{kind: node, version: v2, metadata: {name: n5, labels: {type: web, new: label}}, spec: {addr: n5.example.com}}");
        await Measure("a node that everybody can reach loses its label", "{kind: node, version: v2, metadata: {name: n5}, spec: {addr: n5.example.com}}");
        return 0;

        async Task Measure(string what, string resource)
        {
            using var stop = new CancellationTokenSource();
            var logins = Task.Run(() => daemon.SlowestLogin(key, stop.Token));
            await Task.Delay(500);
            var (watch, before) = (Stopwatch.StartNew(), daemon.Processor);
            var applied = await daemon.Client.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(resource), "bench.yaml", Force: true));
            var (took, used) = (watch.Elapsed, daemon.Processor - before);
            await stop.CancelAsync();
            var slowest = await logins;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what}\t{took.TotalMilliseconds:0}\t{used.TotalMilliseconds:0}\t{slowest.TotalMilliseconds:0}\t{applied.Revoked.Length}"));
        }
    }

    private static string Role(string name, string logins, string labels) =>
        $"{{kind: role, version: v8, metadata: {{name: {name}}}, spec: {{allow: {{logins: [{logins}], node_labels: {labels}, request: {{roles: [dba]}}}}}}}}";

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
