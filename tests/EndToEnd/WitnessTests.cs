using System.Collections.Concurrent;
using System.Security.Cryptography;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon that is killed at work, again and again, beside a witness who wrote down what he was told.</summary>
public sealed class WitnessTests
{
    private const int Rounds = 20;
    private const int Workers = 4;

    // What was told of each thing, and what was asked for last: the call that the kill cut off may have been done or not.
    private readonly ConcurrentDictionary<string, (string Told, string Asked)> requests = [];
    private readonly ConcurrentDictionary<string, string> certificates = [];
    private readonly ConcurrentDictionary<string, bool> users = [];
    private int acknowledged;

    [Fact]
    public async Task Twenty_kills_lose_no_acknowledged_change_or_certificate()
    {
        await using var daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        foreach (var worker in Enumerable.Range(0, Workers))
            (await daemon.Administrator.Types("tctl", "users", "add", User(worker), "--roles=staff", $"--unix-user={Environment.UserName}")).Done();

        for (var round = 0; round < Rounds; round++)
        {
            var enough = acknowledged + RandomNumberGenerator.GetInt32(10, 60);
            var work = Enumerable.Range(0, Workers).Select(worker => Work(daemon, worker, round)).ToList();
            await Eventually.Holds(() => acknowledged >= enough || work.Exists(task => task.IsCompleted));
            await daemon.Stop("KILL");
            await Task.WhenAll(work);
            await daemon.Restart();
            await Compare(daemon, round);
        }

        Assert.True(acknowledged > Rounds * 10);
        Assert.Contains(requests.Values, request => request.Told == "DENIED");
    }

    /// <summary>Asks, answers, logs in, takes back, until nobody answers any more.</summary>
    private async Task Work(TestDaemon daemon, int worker, int round)
    {
        using var ca = daemon.Connect();
        var key = TestDaemon.AnyKey;
        try
        {
            for (var turn = 0; ; turn++)
            {
                var name = $"{User(worker)}-{round}-{turn}";
                await ca.Send(Routes.ApplyResources, new ApplyResources(
                    System.Text.Encoding.UTF8.GetBytes($"{{kind: user, version: v2, metadata: {{name: {name}}}, spec: {{roles: [staff]}}}}"), "user.yaml"));
                users[name] = true;
                Interlocked.Increment(ref acknowledged);

                var id = (await ca.Send(Routes.CreateRequest, new CreateRequest(["dba"], User(worker), Force: true))).Metadata.Name;
                requests[id] = ("PENDING", "PENDING");
                Interlocked.Increment(ref acknowledged);
                await Resolve(id, "APPROVED", () => ca.Send(Routes.ApproveRequest, new ApproveRequest(id)));
                var serial = (await ca.Send(Routes.Login, new Login(key, User(worker), [id]))).Info!.Serial;
                certificates[serial] = id;
                Interlocked.Increment(ref acknowledged);
                if (turn % 2 == 0)
                    await Resolve(id, "DENIED", () => ca.Send(Routes.DenyRequest, new DenyRequest(id)));
            }
        }
        catch (UnreachableException)
        {
            // Killed.
        }
    }

    private async Task Resolve(string id, string to, Func<Task<RequestResolved>> call)
    {
        requests[id] = requests[id] with { Asked = to };
        var resolved = await call();
        Assert.Equal(to, resolved.Request.Spec.State);
        requests[id] = (to, to);
        Interlocked.Increment(ref acknowledged);
    }

    private async Task Compare(TestDaemon daemon, int round)
    {
        using var ca = daemon.Connect();
        var states = (await ca.Send(Routes.ListRequests, new ListRequests())).Requests.ToDictionary(request => request.Metadata.Name, request => request.Spec.State);
        foreach (var (id, (told, asked)) in requests)
            Assert.True(states.TryGetValue(id, out var state) && (state == told || state == asked), $"round {round}: {id} was {told}, asked to be {asked}, and is {state ?? "gone"}");

        var names = (await ca.Send(Routes.GetResources, new GetResources("user"))).Resources.Select(user => user.GetProperty("metadata").GetProperty("name").GetString()!).ToHashSet();
        Assert.All(users.Keys, name => Assert.True(names.Contains(name), $"round {round}: user {name} is gone"));

        var listed = (await ca.Send(Routes.ListCertificates, new ListCertificates())).Certificates.ToDictionary(certificate => certificate.Serial);
        var krl = daemon.RevocationList();
        var userCa = daemon.PublicKey("user_ca");
        foreach (var (serial, id) in certificates)
        {
            Assert.True(listed.TryGetValue(serial, out var certificate), $"round {round}: certificate {serial} was signed, and is not on record");
            // The start has published what the kill kept back.
            Assert.True(states[id] == "DENIED" == certificate.Revoked, $"round {round}: {id} is {states[id]}, and {serial} is {(certificate.Revoked ? "" : "not ")}revoked");
            Assert.Equal(certificate.Revoked, krl.IsRevoked(userCa, ulong.Parse(serial)));
        }
    }

    private static string User(int worker) => $"worker{worker}";
}
